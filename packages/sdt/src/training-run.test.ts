import { ConfigError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { defaultConfig } from './training-config.js';
import { parseTrainingState, type TrainingState } from './training-run.js';

const state: TrainingState = {
  version: 1,
  kind: 'sdt-state',
  config: defaultConfig,
  provenance: {
    model: { name: 'tiny', sha256: 'a'.repeat(64) },
    sampler: { name: 'ddim', steps: 1, planSha256: 'b'.repeat(64) },
    guidance: { scale: 1, channels: 3 },
    latent: { height: 4, width: 4, channels: 4 },
  },
  iteration: 3,
  refreshedAt: -1,
  logits: [[0.1, -1 / 3]],
  predictor: ['hold'],
  optimizer: [{ count: 3, firstMoment: [1e-300, 0.2], secondMoment: [5e-324, 1] }],
  rng: { seed: 2 ** 53 - 1, stream: 0, block: 12 },
  beta: 0.3,
  lossWeights: [0],
  lambda: [0],
  records: [],
};

describe('parseTrainingState', () => {
  it('gives back every number bit for bit', () => {
    expect(parseTrainingState(JSON.stringify(state))).toEqual(state);
  });

  it('reads fields by the names that they had before', () => {
    const { lossWeights: weights, config, ...rest } = state;
    const old = {
      ...rest,
      weights,
      config: { ...config, exchanges: 2 },
      exchanges: { rounds: 1, ended: false },
    };
    expect(parseTrainingState(JSON.stringify(old))).toEqual({
      ...state,
      config: { ...config, swaps: 2 },
      swaps: { rounds: 1, ended: false },
    });
  });

  it('reports a cut-off file by its path, and what is no state', () => {
    const text = JSON.stringify(state).slice(0, 100);
    expect(() => parseTrainingState(text, 'state.json')).toThrow(/state\.json/);
    for (const other of ['null', '[]', '3']) {
      expect(() => parseTrainingState(other)).toThrow(ConfigError);
    }
  });

  it('reports tables of different sizes', () => {
    const text = JSON.stringify({ ...state, lossWeights: [0, 0] });
    expect(() => parseTrainingState(text)).toThrow(/lossWeights: expected 1 entries, got 2/);
  });
});

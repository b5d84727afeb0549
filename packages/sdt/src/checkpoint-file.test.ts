import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, FileError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { readTrainingState, writeTrainingState } from './checkpoint-file.js';
import { defaultConfig } from './training-config.js';
import type { TrainingState } from './training-run.js';

const folder = () => mkdtempSync(join(tmpdir(), 'sdt-'));
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

describe('training state files', () => {
  it('give back every number bit for bit', async () => {
    const path = join(folder(), 'state.json');
    await writeTrainingState(path, state);
    expect(await readTrainingState(path)).toEqual(state);
  });

  it('replace the old file whole and leave nothing beside it', async () => {
    const place = folder();
    const path = join(place, 'state.json');
    await writeTrainingState(path, state);
    await writeTrainingState(path, { ...state, iteration: 4 });
    expect((await readTrainingState(path)).iteration).toBe(4);
    expect(readdirSync(place)).toEqual(['state.json']);
  });

  it('report a folder that is not there, and touch nothing', async () => {
    const path = join(folder(), 'missing', 'state.json');
    await expect(writeTrainingState(path, state)).rejects.toBeInstanceOf(FileError);
    await expect(readTrainingState(path)).rejects.toBeInstanceOf(FileError);
  });

  it('report a cut-off file by its path', async () => {
    const path = join(folder(), 'state.json');
    await writeTrainingState(path, state);
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, 100));
    await expect(readTrainingState(path)).rejects.toSatisfy(
      (error) => error instanceof ConfigError && error.source === path,
    );
  });

  it('report tables of different sizes', async () => {
    const path = join(folder(), 'state.json');
    await writeTrainingState(path, { ...state, lossWeights: [0, 0] });
    await expect(readTrainingState(path)).rejects.toThrowError(
      /lossWeights: expected 1 entries, got 2/,
    );
  });
});

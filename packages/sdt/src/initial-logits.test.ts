import '@tensorflow/tfjs-backend-cpu';
import { createRng } from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import { type CostModel, macsCostModel } from '@harmonica/router';
import { createDdimPlan } from '@harmonica/samplers';
import { expect, it } from 'vitest';
import { startingLogits } from './initial-logits.js';
import { defaultConfig, l2cConfig, type TrainingConfig } from './training-config.js';
import type { TrainRouterOptions } from './training-run.js';

const backbone = createTinyBackbone();
const { spec } = backbone;
backbone.dispose();

/** One character a step: all its branches are computed, or all are predicted. */
function pattern(config: Partial<TrainingConfig>, cost: CostModel = macsCostModel(spec)): string {
  const logits = startingLogits({
    executor: { spec } as TrainRouterOptions['executor'],
    plan: createDdimPlan({ steps: 20 }),
    config: { ...defaultConfig, ...config },
    cost,
    rng: createRng({ seed: 1 }),
  });
  for (const row of logits) expect(new Set(row).size).toBe(1);
  return logits.map(([logit]) => (Number(logit) > 0 ? '1' : '0')).join('');
}

const branches = spec.branches.map(() => 1);
const free = { unit: 'macs', begin: 0, branches, predict: 0, end: 0 } as const;
const ALTERNATE = '11101010101010101010';

it('is the configured interval where there is no target, or it reaches the target', () => {
  expect(pattern({})).toBe(ALTERNATE);
  expect(pattern({ targetSpeedup: 1.2 })).toBe(ALTERNATE);
  expect(pattern({ targetSpeedup: 20 / 11 }, free)).toBe(ALTERNATE);
});

it('is the smallest interval beyond it that reaches the target', () => {
  expect(pattern({ targetSpeedup: 2.1 }, free)).toBe('11010010010010010010');
  expect(pattern({ targetSpeedup: 2.6 }, free)).toBe('11001000100010001000');
});

it('goes by the costs that the target is in', () => {
  const costs = { ...free, predict: 0.2 };
  expect(pattern({ targetSpeedup: 2.1 }, costs)).toBe('11001000100010001000');
});

it('is the longest interval where none reaches the target', () => {
  expect(pattern({ targetSpeedup: 100 }, free)).toBe('11000000000000000000');
});

it('computes the first step of every pair of Learning-to-Cache', () => {
  const initial = { kind: 'interval', interval: 4, initialSteps: 1 } as const;
  expect(pattern({ ...l2cConfig, initial })).toBe('10101010101010101010');
});

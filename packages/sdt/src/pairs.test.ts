import '@tensorflow/tfjs-backend-cpu';
import {
  AbortedError,
  createEagerExecutor,
  createRng,
  IncompatibleError,
  InvalidArgumentError,
  ShapeError,
} from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import { createProvenance, toSchedule } from '@harmonica/router';
import { createDdimPlan, createDdpmPlan } from '@harmonica/samplers';
import { expectClose } from '@harmonica/testing';
import { memory, type Tensor4D, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { trainKeepingStates } from '../test/train-keeping-states.js';
import { disposeParts } from './batch.js';
import { CONDITION_DROPOUT, drawPair, forwardProcess } from './pairs.js';
import { trainRouter } from './train-router.js';
import { l2cConfig, type TrainingConfig } from './training-config.js';
import type {
  DrawLatents,
  LatentBatch,
  TrainingState,
  TrainRouterOptions,
} from './training-run.js';

const backbone = createTinyBackbone();
const executor = createEagerExecutor(backbone);
afterAll(async () => {
  await executor.dispose();
  backbone.dispose();
});

const plan = createDdimPlan({ steps: 4 });
const provenance = createProvenance({ spec: backbone.spec, modelSha256: 'a'.repeat(64), plan });
const config: TrainingConfig = {
  ...l2cConfig,
  batchSize: 2,
  iterations: 4,
  learningRate: 0.1,
  refreshEvery: 2,
};
const drawLatents: DrawLatents = (rng, batch) => ({
  latent: tensor4d(rng.fillNormal(new Float32Array(batch * 64)), [batch, 4, 4, 4]),
  condition: {
    labels: tensor1d(
      Array.from({ length: batch }, () => rng.integer(3)),
      'int32',
    ),
  },
});
const options = (extra: Partial<TrainRouterOptions> = {}): TrainRouterOptions => ({
  executor,
  plan,
  config,
  provenance,
  drawLatents,
  ...extra,
});
const trained = (extra?: Partial<TrainRouterOptions>) => trainKeepingStates(options(extra));

describe('Learning-to-Cache', () => {
  it('computes every even step, trains odd ones, and says what it was trained with', async () => {
    const steps: number[] = [];
    const { router, states } = await trained({
      config: { ...config, iterations: 8 },
      onProgress: ({ step }) => steps.push(step),
    });
    expect(new Set(steps)).toEqual(new Set([1, 3]));
    const before = states[0]?.logits;
    for (const step of [0, 2]) expect(router.logits[step]).toEqual([5, 5, 5, 5]);
    for (const step of [1, 3]) {
      for (const [k, logit] of (router.logits[step] ?? []).entries()) {
        expect(logit).not.toBe(before?.[step]?.[k]);
      }
    }
    const { table } = toSchedule(router);
    expect([table[0], table[2]]).toEqual(['1111', '1111']);
    expect(router).toMatchObject({ predictor: 'hold', threshold: 0.1 });
    expect(router.provenance.training).toMatchObject({
      trainer: 'l2c',
      config: { trainer: 'l2c', learningRate: 0.1 },
      iterations: 8,
      images: 16,
    });
  });

  it.each([
    ['uniform', config],
    ['cumulative', { ...config, proxy: 'cumulative' as const }],
    ['repeated', { ...config, batches: 'repeated' as const }],
    ['in parts', { ...config, batchSize: 3, microBatch: 2 }],
  ])('resumed from any state gives the same router, bit for bit (%s)', async (_, settings) => {
    const whole = await trained({ config: settings });
    for (const resume of whole.states.slice(0, -1)) {
      const { router } = await trained({ config: settings, resume });
      expect(router).toEqual(whole.router);
    }
  });

  it('in parts learns what the whole batch teaches', async () => {
    const logitsOf = async (microBatch: number) => {
      const settings = { ...config, batchSize: 3, microBatch, proxy: 'cumulative' as const };
      return (await trained({ config: settings })).router.logits.flat();
    };
    const whole = await logitsOf(3);
    for (const microBatch of [1, 2]) {
      expectClose(await logitsOf(microBatch), whole, { relative: 1e-5 });
    }
  });

  it('weighs pairs by lambda if a proxy is asked for', async () => {
    const { states } = await trained({ config: { ...config, proxy: 'cumulative' } });
    const { lambda, lossWeights } = states.at(-1) as TrainingState;
    expect(lossWeights).toEqual(lambda);
    expect(lambda.slice(1).every((value) => value > 0 && value !== 1)).toBe(true);
    const uniform = await trained();
    expect(uniform.states.at(-1)?.lossWeights).toEqual([0, 1, 1, 1]);
  });

  it('draws the same images again after every refresh, if batches are to be repeated', async () => {
    const drawn = async (batches: TrainingConfig['batches']) => {
      const seen: string[] = [];
      await trained({
        config: { ...config, iterations: 6, batches },
        drawLatents: (rng, batch) => {
          const images = drawLatents(rng, batch);
          seen.push(images.latent.dataSync().join());
          return images;
        },
      });
      return seen;
    };
    const repeated = await drawn('repeated');
    expect(repeated.slice(2, 4)).toEqual(repeated.slice(0, 2));
    expect(repeated.slice(4)).toEqual(repeated.slice(0, 2));
    expect(new Set(await drawn('fresh')).size).toBe(6);
  });

  it('leaks no tensor and no handle, also when it is stopped', async () => {
    const stopped = async () => {
      const controller = new AbortController();
      const onProgress = () => controller.abort();
      const run = trained({ signal: controller.signal, onProgress });
      await expect(run).rejects.toBeInstanceOf(AbortedError);
    };
    await stopped();
    const before = memory().numTensors;
    const handles = executor.liveHandles;
    await trained();
    await stopped();
    expect(memory().numTensors).toBe(before);
    expect(executor.liveHandles).toBe(handles);
  });

  it('refuses what it cannot train before it starts', async () => {
    const odd = createDdimPlan({ steps: 5 });
    const noisy = createDdimPlan({ steps: 4, eta: 1 });
    const ancestral = createDdpmPlan({ steps: 4, variance: 'fixed-small' });
    const { drawLatents: _, ...none } = options();
    await expect(trainRouter(none)).rejects.toThrowError(/drawLatents/);
    await expect(trained({ plan: odd })).rejects.toThrowError(
      /plan\.steps is 5; expected an even number/,
    );
    await expect(trained({ plan: noisy })).rejects.toBeInstanceOf(IncompatibleError);
    await expect(trained({ plan: ancestral })).rejects.toBeInstanceOf(IncompatibleError);
    for (const wrong of [
      { predictor: 'linear' as const },
      { targetSpeedup: 1.2 },
      { threshold: 0.995 },
      { trainer: 'x' as 'l2c' },
      { batches: 'x' as 'fresh' },
    ]) {
      const run = trained({ config: { ...config, ...wrong } });
      await expect(run).rejects.toBeInstanceOf(InvalidArgumentError);
    }
  });

  it('refuses latents of another shape and conditions of another model', async () => {
    const before = memory().numTensors;
    const wide: DrawLatents = (rng, batch) => {
      const { latent, condition } = drawLatents(rng, batch);
      latent.dispose();
      return { latent: tensor4d(new Float32Array(batch * 64), [batch, 2, 8, 4]), condition };
    };
    await expect(trained({ drawLatents: wide })).rejects.toBeInstanceOf(ShapeError);
    const bare: DrawLatents = (rng, batch) => {
      const { latent, condition } = drawLatents(rng, batch);
      condition.labels?.dispose();
      return { latent, condition: {} };
    };
    await expect(trained({ drawLatents: bare })).rejects.toBeInstanceOf(InvalidArgumentError);
    expect(memory().numTensors).toBe(before);
  });
});

describe('drawPair', () => {
  it('drops a tenth of the conditions and noises latents to the level of the first step', () => {
    const size = 4000;
    const x0 = 3;
    const constant: DrawLatents = (_, batch) => ({
      latent: tensor4d(new Float32Array(batch * 64).fill(x0), [batch, 4, 4, 4]),
      condition: { labels: tensor1d(new Int32Array(batch).fill(1), 'int32') },
    });
    const { step, parts } = drawPair(
      options({
        config: { ...config, batchSize: size, microBatch: size },
        drawLatents: constant,
      }),
      createRng({ seed: 3 }),
    );
    const [{ latent, condition }] = parts as [LatentBatch];
    const labels = condition.labels?.dataSync() ?? [];
    expect(new Set(labels)).toEqual(new Set([1, 3]));
    const dropped = labels.filter((label) => label === 3).length / size;
    expect(Math.abs(dropped - CONDITION_DROPOUT)).toBeLessThan(0.02);
    const { alpha, sigma } = forwardProcess(plan, step - 1);
    const { mean, std } = moments(latent);
    expect(Math.abs(mean - alpha * x0)).toBeLessThan(0.01);
    expect(Math.abs(std - sigma)).toBeLessThan(0.01);
    disposeParts(parts);
  });
});

function moments(latent: Tensor4D) {
  const values = Array.from(latent.dataSync());
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, std: Math.sqrt(variance) };
}

import '@tensorflow/tfjs-backend-cpu';
import { memory, tensor1d } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backbone } from './backbone.js';
import { createEagerExecutor } from './eager-executor.js';
import { AbortedError, IncompatibleError, InvalidArgumentError } from './errors.js';
import type { Executor } from './executor.js';
import { generate } from './generate.js';
import type { SamplerPlan } from './sampler-plan.js';
import { createTinyBackbone } from './tiny-backbone.js';

const plan: SamplerPlan = {
  version: 1,
  sampler: 'test',
  prediction: 'epsilon',
  settings: {},
  initialStd: 1,
  steps: [900, 500, 100].map((timestep) => ({
    timestep,
    toPrediction: { x: 1, model: -0.3 },
    carry: 0.4,
    history: [0.5],
    noise: { kind: 'fixed', std: 0.1 },
  })),
};
const labels = (...values: number[]) => ({ labels: tensor1d(values, 'int32') });

let backbone: Backbone;
let executor: Executor;
beforeAll(() => {
  backbone = createTinyBackbone();
  executor = createEagerExecutor(backbone);
});
afterAll(async () => {
  await executor.dispose();
  backbone.dispose();
});

describe('generate', () => {
  it('samples an image the same alone and in a batch', async () => {
    const guidance = { scale: 2 };
    const both = await generate({
      plan,
      executor,
      condition: labels(0, 2),
      seeds: [5, 6],
      guidance,
    });
    const alone = await generate({ plan, executor, condition: labels(2), seeds: [6], guidance });
    const [, second] = both.latent.arraySync();
    const flat = (x: unknown) => [x].flat(4) as number[];
    flat(second).forEach((v, i) => {
      expect(v).toBeCloseTo(flat(alone.latent.arraySync()[0])[i] as number, 5);
    });
  });

  it.each([-1, 4, 91, -(2 ** 31)])(
    'refuses the label %i before the model sees it',
    async (label) => {
      const tensors = memory().numTensors;
      const condition = labels(3, label);
      for (const guidance of [undefined, { scale: 2 }]) {
        const run = generate({
          plan,
          executor,
          condition,
          seeds: [5, 6],
          ...(guidance && { guidance }),
        });
        await expect(run).rejects.toThrow(InvalidArgumentError);
        await expect(run).rejects.toThrow(
          `condition.labels[1] is ${label}; expected an integer in [0, 3], as tiny takes`,
        );
      }
      condition.labels.dispose();
      expect(memory().numTensors).toBe(tensors);
    },
  );

  it('refuses an unconditional label that is none', async () => {
    const unconditional = labels(4);
    const guidance = { scale: 2, unconditional };
    const run = generate({ plan, executor, condition: labels(0), seeds: [5], guidance });
    await expect(run).rejects.toThrow(/condition\.labels\[1\] is 4; expected/);
  });

  it('hears an abort that comes from a timer, though the engine never waits', async () => {
    const controller = new AbortController();
    const steps = Array.from(
      { length: 10_000 },
      () => plan.steps[0] as (typeof plan.steps)[number],
    );
    const condition = labels(0);
    let done = 0;
    setTimeout(() => controller.abort(), 5);
    const run = generate({
      plan: { ...plan, steps },
      executor,
      condition,
      seeds: [5],
      onStep: () => {
        done += 1;
      },
      signal: controller.signal,
    });
    await expect(run).rejects.toThrow(AbortedError);
    expect(done).toBeLessThan(steps.length);
    condition.labels.dispose();
  });

  it('equals the conditional model at guidance scale 1', async () => {
    const condition = labels(1);
    const guided = await generate({
      plan,
      executor,
      condition,
      seeds: [3],
      guidance: { scale: 1, channels: 4 },
    });
    const plain = await generate({ plan, executor, condition, seeds: [3] });
    plain.latent.dataSync().forEach((v, i) => {
      expect(guided.latent.dataSync()[i]).toBeCloseTo(v, 5);
    });
  });

  it('repeats an unconditional input of fewer rows', async () => {
    const images = { plan, executor, condition: labels(0, 2, 1, 1), seeds: [5, 6, 7, 8] };
    const sampled = async (unconditional: ReturnType<typeof labels>) => {
      const { latent } = await generate({ ...images, guidance: { scale: 3, unconditional } });
      return latent.dataSync();
    };
    expect(await sampled(labels(2))).toEqual(await sampled(labels(2, 2, 2, 2)));
    expect(await sampled(labels(2, 0))).toEqual(await sampled(labels(2, 0, 2, 0)));
    await expect(sampled(labels(2, 0, 1))).rejects.toThrowError(/unconditional is 3; expected/);
  });

  it('reports every branch as computed without a cache', async () => {
    const { decisions } = await generate({ plan, executor, condition: labels(1), seeds: [3] });
    expect(decisions).toEqual([1, 2, 3].map(() => [true, true, true, true]));
  });

  it('leaks no tensor and no handle', async () => {
    const condition = labels(1);
    const before = memory().numTensors;
    const handles = executor.liveHandles;
    const { latent } = await generate({
      plan,
      executor,
      condition,
      seeds: [3],
      guidance: { scale: 3 },
    });
    latent.dispose();
    expect(memory().numTensors).toBe(before);
    expect(executor.liveHandles).toBe(handles);
  });

  it('refuses a plan for another kind of prediction', async () => {
    const run = generate({
      plan: { ...plan, prediction: 'velocity' },
      executor,
      condition: labels(1),
      seeds: [3],
    });
    await expect(run).rejects.toBeInstanceOf(IncompatibleError);
  });

  it('refuses a plan for another noise process', async () => {
    const run = generate({
      plan: { ...plan, process: 'flow' },
      executor,
      condition: labels(1),
      seeds: [3],
    });
    await expect(run).rejects.toThrowError(/noise process of the test plan is "flow"/);
  });

  it('refuses a missing, misshapen or unknown condition', async () => {
    for (const condition of [{}, labels(1, 2), { ...labels(1), prompt: tensor1d([1]) }]) {
      const run = generate({ plan, executor, condition, seeds: [3] });
      await expect(run).rejects.toThrowError(/condition/);
    }
    const run = generate({ plan, executor, condition: {}, seeds: [3] });
    await expect(run).rejects.toBeInstanceOf(InvalidArgumentError);
  });
});

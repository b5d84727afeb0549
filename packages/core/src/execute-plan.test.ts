import '@tensorflow/tfjs-backend-cpu';
import { fill, memory, mul, type Tensor4D, tensor4d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { AbortedError, NonFiniteError } from './errors.js';
import { type Denoiser, executePlan } from './execute-plan.js';
import type { NoiseSource } from './noise.js';
import type { PlanStep, SamplerPlan } from './sampler-plan.js';

const plan = (steps: readonly PlanStep[]): SamplerPlan => ({
  version: 1,
  sampler: 'test',
  prediction: 'epsilon',
  settings: {},
  initialStd: 1,
  steps,
});
const step = (fields: Partial<PlanStep> = {}): PlanStep => ({
  timestep: 10,
  toPrediction: { x: 0.5, model: -0.25 },
  carry: 0.75,
  history: [0.5],
  noise: { kind: 'fixed', std: 0 },
  ...fields,
});
const start = (): Tensor4D => tensor4d([1, -2], [1, 1, 1, 2]);
const double: Denoiser = async (x) => mul(x, 2) as Tensor4D;
const noise: NoiseSource = {
  initial: () => tensor4d([0, 0], [1, 1, 1, 2]),
  step: (index) => fill([1, 1, 1, 2], index + 1),
};
const run = async (steps: PlanStep[], denoise: Denoiser = double): Promise<number[]> => {
  const x = await executePlan({ plan: plan(steps), denoise, latent: start(), noise });
  return Array.from(x.dataSync());
};

describe('executePlan', () => {
  it('applies x = carry * x + history * p with p = a * x + b * m', async () => {
    // p = 0.5 x - 0.25 * 2 x = 0, so only the carry is left.
    expect(await run([step()])).toEqual([0.75, -1.5]);
    expect(await run([step({ toPrediction: { x: 0, model: 1 } })])).toEqual([1.75, -3.5]);
  });

  it('reads earlier predictions, most recent first', async () => {
    const identity = { toPrediction: { x: 1, model: 0 }, carry: 0 };
    const steps = [
      step({ ...identity, history: [2] }), // p0 = 1, x = 2
      step({ ...identity, history: [3, 10] }), // p1 = 2, x = 6 + 10
      step({ ...identity, history: [1, 100, 1000] }), // p2 = 16, x = 16 + 200 + 1000
    ];
    expect((await run(steps))[0]).toBe(1216);
  });

  it('clips predictions', async () => {
    const steps = [
      step({
        toPrediction: { x: 1, model: 0 },
        carry: 0,
        history: [1],
        clip: { min: -1, max: 0.5 },
      }),
    ];
    expect(await run(steps)).toEqual([0.5, -1]);
  });

  it('thresholds predictions dynamically, image by image', async () => {
    // |p| sorted: 0.5, 1, 2, 4. Quantile 0.5 is 1.5, quantile 0.9 is 2 + 0.7 * 2 = 3.4, quantile 1 is 4.
    const values = [-4, 1, 2, -0.5];
    const threshold = async (ratio: number, max: number) => {
      const fields = { toPrediction: { x: 1, model: 0 }, carry: 0, history: [1] };
      const x = await executePlan({
        plan: plan([step({ ...fields, threshold: { ratio, max } })]),
        denoise: double,
        latent: tensor4d([...values, 0.25, -0.5, 0, 0.75], [2, 1, 2, 2]),
      });
      return Array.from(x.dataSync());
    };
    const small = [0.25, -0.5, 0, 0.75]; // its quantile is below 1, so nothing changes
    const expected = (s: number) =>
      [...values.map((v) => Math.max(-s, Math.min(s, v)) / s), ...small].map(Math.fround);
    const close = (actual: number[], s: number) => {
      expected(s).forEach((value, i) => {
        expect(actual[i]).toBeCloseTo(value, 6);
      });
    };
    close(await threshold(0.5, 10), 1.5);
    close(await threshold(0.9, 10), 3.4);
    close(await threshold(1, 10), 4);
    close(await threshold(1, 2.5), 2.5);
    close(await threshold(0.9, 1), 1);
  });

  it('adds the draws of earlier steps again, the latest first', async () => {
    const noisy = (std: number, earlier?: readonly number[]) =>
      step({ carry: 1, history: [0], noise: { kind: 'fixed', std, ...(earlier && { earlier }) } });
    // The draw of step i is i + 1: 0.5 * 1, then 0.25 * 2 - 3 * 1, then 0 * 3 + 10 * 2 + 100 * 1.
    const steps = [noisy(0.5), noisy(0.25, [-3]), noisy(0, [10, 100])];
    expect(await run(steps)).toEqual([1 + 118, -2 + 118]);
  });

  it('adds fixed noise, a fresh draw for each step', async () => {
    const noisy = step({ carry: 1, history: [0], noise: { kind: 'fixed', std: 0.5 } });
    expect(await run([noisy, noisy])).toEqual([1 + 0.5 + 1, -2 + 0.5 + 1]);
  });

  it('interpolates a learned log variance', async () => {
    const v = [-1, 1, 0];
    const low = Math.log(0.04);
    const high = Math.log(0.25);
    const learned = { kind: 'learned-range', minLogVariance: low, maxLogVariance: high, scale: 1 };
    const steps = [step({ carry: 0, history: [0], noise: learned as PlanStep['noise'] })];
    for (const value of v) {
      const denoise: Denoiser = async () => tensor4d([0, 0, value, value], [1, 1, 1, 4]);
      const std = Math.exp(0.5 * (low + ((value + 1) / 2) * (high - low)));
      expect((await run(steps, denoise))[0]).toBeCloseTo(std, 6);
    }
  });

  it('needs noise for a plan that adds it', async () => {
    const steps = [step({ noise: { kind: 'fixed', std: 1 } })];
    const run = executePlan({ plan: plan(steps), denoise: double, latent: start() });
    await expect(run).rejects.toThrowError(/expected a noise source/);
    const again = [step(), step({ noise: { kind: 'fixed', std: 0, earlier: [1] } })];
    await expect(
      executePlan({ plan: plan(again), denoise: double, latent: start() }),
    ).rejects.toThrowError(/expected a noise source/);
  });

  it('stops at the first latent that is not finite, and says where', async () => {
    const denoise: Denoiser = async (x, { index }) =>
      index === 1 ? fill(x.shape, Number.NaN) : (mul(x, 1) as Tensor4D);
    const run = executePlan({ plan: plan([step(), step(), step()]), denoise, latent: start() });
    await expect(run).rejects.toSatisfy(
      (error) => error instanceof NonFiniteError && error.step === 1 && error.site === 'latent',
    );
  });

  it('stops between steps when its signal is aborted', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const run = executePlan({
      plan: plan([step(), step(), step()]),
      denoise: double,
      latent: start(),
      signal: controller.signal,
      onStep: ({ index }) => {
        seen.push(index);
        if (index === 1) controller.abort();
      },
    });
    await expect(run).rejects.toBeInstanceOf(AbortedError);
    expect(seen).toEqual([0, 1]);
  });

  it.each(['end', 'abort', 'nan'])('leaks no tensor on %s', async (way) => {
    const latent = start();
    const before = memory().numTensors;
    const controller = new AbortController();
    const denoise: Denoiser = async (x) =>
      tidy(() => (way === 'nan' ? fill(x.shape, Number.NaN) : mul(x, 2)) as Tensor4D);
    const history = [1, 1, 1];
    const noisy: PlanStep['noise'] = { kind: 'fixed', std: 1, earlier: [1] };
    const limited = step({ history, noise: noisy, threshold: { ratio: 0.9, max: 2 } });
    const steps = [step({ history }), limited, step()];
    const run = executePlan({
      plan: plan(steps),
      denoise,
      latent,
      noise,
      signal: controller.signal,
      onStep: () => (way === 'abort' ? controller.abort() : undefined),
    });
    await run.then((x) => x.dispose()).catch(() => undefined);
    expect(memory().numTensors).toBe(before);
  });
});

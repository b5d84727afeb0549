import '@tensorflow/tfjs-backend-cpu';
import { loadDit } from '@harmonica/backbones';
import {
  AbortedError,
  type Backbone,
  type CachePredictor,
  createEagerExecutor,
  type Executor,
  InvalidArgumentError,
} from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import { createOnnxExecutor } from '@harmonica/onnx';
import {
  advanceRun,
  disposeRunState,
  perStepPredictor,
  predictorByName,
  type RoutedRun,
  startRun,
} from '@harmonica/router';
import { createDdimPlan } from '@harmonica/samplers';
import {
  expectClose,
  goldenDitConfig,
  goldenWeightSource,
  loadGolden,
  nchwToNhwc,
} from '@harmonica/testing';
import { gather, memory, slice, type Tensor4D, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LambdaOptions, RunPart } from './forks.js';
import type { SteppedSchedule } from './image-error.js';
import { choosePredictors, marginalLambda } from './marginal-lambda.js';
import { cumulativeLambda, leaveOneOutLambda } from './paper-lambda.js';
import { choosePredictorsAlone, singleStepLambda } from './single-step-lambda.js';
import { isBetter, type Swap, scheduleErrors, swapped, swapSteps } from './swap-steps.js';

// Means are taken in float32 there and in float64 here.
const close = (actual: number | undefined, expected: number) =>
  expectClose([actual ?? Number.NaN], [expected], { relative: 1e-5, absolute: 5e-5 });
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe('against the official code', () => {
  const golden = loadGolden('proxy');
  let backbone: Backbone;
  let executor: Executor;
  let options: LambdaOptions;
  beforeAll(async () => {
    backbone = await loadDit({ config: goldenDitConfig(), source: goldenWeightSource() });
    executor = await createOnnxExecutor({ backbone, threads: 1 });
    const x = nchwToNhwc(golden.f32('x'));
    const logits = golden.f32('logits').data;
    options = {
      parts: [
        {
          run: {
            executor,
            plan: createDdimPlan({ steps: 10 }),
            predictor: predictorByName('hold'),
            condition: { labels: tensor1d(golden.i32('labels').data, 'int32') },
            guidance: { scale: 1.5 },
            threshold: 0.1,
          },
          latent: tensor4d(x.data, x.shape as [number, number, number, number]),
        },
      ],
      scores: Array.from({ length: 10 }, (_, step) =>
        Array.from(logits.slice(step * 6, step * 6 + 6), sigmoid),
      ),
    };
  });
  afterAll(async () => {
    await executor.dispose();
    backbone.dispose();
  });

  it('gives the official cumulative lambda', async () => {
    const lambda = await cumulativeLambda(options);
    expect(lambda[0]).toBe(0);
    expectClose(lambda.slice(1), golden.f64('cumulative'), { relative: 1e-3 });
  });

  it('gives the leave-one-out lambda of the paper, as a mean', async () => {
    const lambda = await leaveOneOutLambda(options);
    const norms = golden.f64('leaveOneOut.squaredNorm').data;
    const elements = 2 * 8 * 8 * 4;
    const expected = Array.from(
      { length: 9 },
      (_, t) => ((norms[4 * t] as number) + (norms[4 * t + 1] as number)) / elements,
    );
    expect(lambda[0]).toBe(0);
    expectClose(lambda.slice(1), expected, { relative: 1e-3 });
  });
});

describe.each(['hold', 'quadratic'] as const)('with the %s predictor', (predictor) => {
  const backbone = createTinyBackbone();
  const executor = createEagerExecutor(backbone);
  const plan = createDdimPlan({ steps: 6 });
  const run: RoutedRun = {
    executor,
    plan,
    predictor: predictorByName(predictor),
    condition: { labels: tensor1d([0, 2, 3, 3], 'int32') },
    guidance: { scale: 2 },
    threshold: 0.4,
  };
  const values = Array.from({ length: 2 * 64 }, (_, i) => Math.sin(7 * i));
  const latent = tensor4d([...values, ...values], [4, 4, 4, 4]);
  const parts = [{ run, latent }];
  const scores = Array.from({ length: 6 }, (_, step) =>
    [0, 1, 2, 3].map((branch) => sigmoid(Math.cos(3 * step + 5 * branch) * 2)),
  );
  const hard = scores.map((row) => row.map((s) => (s > 0.4 ? 1 : 0)));
  const ones = [1, 1, 1, 1];
  afterAll(() => backbone.dispose());

  /** The executor, with something that is done before each call of `advance`, counted from 1. */
  const watched = (before: (call: number) => void): Executor => {
    let calls = 0;
    return {
      ...executor,
      get liveHandles() {
        return executor.liveHandles;
      },
      advance: (...args) => {
        calls += 1;
        before(calls);
        return executor.advance(...args);
      },
    };
  };

  /** The final latent of a plain run from start to end, with nothing shared. */
  const sample = async (
    rows: readonly (readonly number[])[],
    through: RoutedRun = run,
  ): Promise<Tensor4D> => {
    let state = startRun(run, latent);
    for (const [index, row] of rows.entries()) {
      const next = await advanceRun({
        run: through,
        state,
        index,
        scores: index === 0 ? ones : row,
      });
      next.output.dispose();
      disposeRunState(run, state);
      state = next.state;
    }
    const final = state.plan.latent.clone();
    disposeRunState(run, state);
    return final;
  };
  const replaced = (rows: readonly (readonly number[])[], step: number, row: readonly number[]) =>
    rows.map((old, index) => (index === step ? row : old));
  const mse = (a: Tensor4D, b: Tensor4D, images: number): number => {
    const [x, y] = [a.dataSync(), b.dataSync()];
    const size = images * 64;
    let sum = 0;
    for (let i = 0; i < size; i++) sum += ((x[i] as number) - (y[i] as number)) ** 2;
    return sum / size;
  };

  const pick = (x: Tensor4D, image: number): Tensor4D => slice(x, [image, 0, 0, 0], [1, 4, 4, 4]);

  it('leave-one-out equals the plain computation', async () => {
    const lambda = await leaveOneOutLambda({ parts, scores });
    const routed = await sample(scores);
    for (let t = 1; t < 6; t++) {
      const expected = mse(await sample(replaced(scores, t, ones)), routed, 2);
      close(lambda[t], expected);
      expect(expected).toBeGreaterThan(0);
    }
  });

  it('cumulative equals the plain computation', async () => {
    const lambda = await cumulativeLambda({ parts, scores });
    let previous = await sample(scores.map(() => ones));
    for (let t = 1; t < 6; t++) {
      const current = await sample(scores.map((row, u) => (u <= t ? row : ones)));
      close(lambda[t], mse(current, previous, 4));
      previous = current;
    }
  });

  /** The final latent of an uncached run in which step t alone is run with `row`; cached is what `hard` computes. */
  const sampleOneStep = async (t: number, row: readonly number[], name: string) => {
    const trial = { ...run, predictor: { ...predictorByName(name), depth: 3 } };
    let state = startRun(trial, latent);
    for (let index = 0; index < 6; index++) {
      const kept =
        index === 0 || index >= t ? {} : { kept: (hard[index] ?? []).map((s) => s === 1) };
      const scores = index === t ? row : ones;
      const next = await advanceRun({ run: trial, state, index, scores, ...kept });
      next.output.dispose();
      disposeRunState(trial, state);
      state = next.state;
    }
    const final = state.plan.latent.clone();
    disposeRunState(trial, state);
    return final;
  };
  const powerMean = (a: Tensor4D, b: Tensor4D): number =>
    ((mse(pick(a, 0), pick(b, 0), 1) ** 0.25 + mse(pick(a, 1), pick(b, 1), 1) ** 0.25) / 2) ** 4;
  const zeros = [0, 0, 0, 0];
  const names = ['hold', 'linear', 'quadratic'] as const;

  it('single-step equals the plain computation', async () => {
    const { lambda, stepError, chosen } = await singleStepLambda({ parts, scores: hard });
    const reference = await sample(scores.map(() => ones));
    expect(chosen).toEqual([0, 0, 0, 0, 0, 0]);
    for (let t = 1; t < 6; t++) {
      close(lambda[t], powerMean(await sampleOneStep(t, zeros, predictor), reference));
      expect(stepError[t]).toBeGreaterThan(0);
    }
  });

  it('chooses the predictor that harms the image least by itself', async () => {
    const candidates = names.map(predictorByName);
    const { lambda, chosen } = await singleStepLambda({ parts, scores: hard, candidates });
    const alone = await choosePredictorsAlone({ parts, scores: hard, candidates });
    const reference = await sample(scores.map(() => ones));
    for (let t = 1; t < 6; t++) {
      const errors: number[] = [];
      const partly: number[] = [];
      for (const name of names) {
        errors.push(powerMean(await sampleOneStep(t, zeros, name), reference));
        const row = hard[t] as readonly number[];
        partly.push(powerMean(await sampleOneStep(t, row, name), reference));
      }
      close(lambda[t], Math.min(...errors));
      close(errors[chosen[t] as number], Math.min(...errors));
      close(partly[alone[t] as number], Math.min(...partly));
    }
    expect(new Set(chosen).size).toBeGreaterThan(1);
  });

  it('marginal equals the plain computation', async () => {
    const { lambda, stepError } = await marginalLambda({ parts, scores: hard });
    const reference = await sample(scores.map(() => ones));
    for (let t = 1; t < 6; t++) {
      const predicted = await sample(replaced(hard, t, [0, 0, 0, 0]));
      const computed = await sample(replaced(hard, t, ones));
      const ratios = [0, 1].map((image) => {
        const error = (x: Tensor4D) => mse(pick(x, image), pick(reference, image), 1) + 1e-5;
        return Math.log(error(predicted) / error(computed));
      });
      const expected = ((ratios[0] as number) + (ratios[1] as number)) / 2;
      close(lambda[t], Math.max(0, expected));
      expect(stepError[t]).toBeGreaterThan(0);
    }
  });

  it('chooses the predictor that harms the image least, and keeps it for the steps after', async () => {
    const candidates = (['hold', 'linear', 'quadratic'] as const).map(predictorByName);
    const options = { parts, scores: hard, candidates, chosen: [0, 1, 1, 1, 1, 1] };
    const { chosen } = await marginalLambda(options);
    const inForce = [...options.chosen];
    const reference = await sample(scores.map(() => ones));
    for (let t = 1; t < 6; t++) {
      const errors: number[] = [];
      for (const index of candidates.keys()) {
        inForce[t] = index;
        const predictor = perStepPredictor(inForce.map((k) => candidates[k] as CachePredictor));
        const final = await sample(replaced(hard, t, [0, 0, 0, 0]), {
          ...run,
          predictor: { ...predictor, depth: 3 },
        });
        const logs = [0, 1].map((image) =>
          Math.log(mse(pick(final, image), pick(reference, image), 1) + 1e-5),
        );
        errors.push((logs[0] as number) + (logs[1] as number));
      }
      expect(errors[chosen[t] as number]).toBeLessThan(Math.min(...errors) + 1e-4);
      inForce[t] = chosen[t] as number;
    }
    expect(new Set(chosen).size).toBeGreaterThan(1);
  });

  it('chooses for predicted steps alone what the marginal chooses on the way', async () => {
    const candidates = (['hold', 'linear', 'quadratic'] as const).map(predictorByName);
    const whole = hard.map((_, step) => (step % 2 === 0 ? ones : [0, 0, 0, 0]));
    const options = { parts, scores: whole, candidates, chosen: [2, 2, 2, 2, 2, 2] };
    const { chosen } = await marginalLambda(options);
    const alone = await choosePredictors(options);
    expect(alone).toEqual(chosen.map((index, step) => (step % 2 === 0 ? 2 : index)));
  });

  describe('swaps of steps', () => {
    const candidates = names.map(predictorByName);
    // Late steps computed, where early ones matter more.
    const late = hard.map((_, step) => (step === 0 || step > 3 ? ones : zeros));
    const chosen = [0, 0, 0, 0, 0, 0];
    const search = { parts, scores: late, candidates, chosen };
    const logError = async ({ scores: rows, chosen: by }: SteppedSchedule): Promise<number> => {
      const predictor = perStepPredictor(by.map((k) => candidates[k] as CachePredictor));
      const final = await sample(rows, { ...run, predictor: { ...predictor, depth: 3 } });
      const reference = await sample(scores.map(() => ones));
      const logs = [0, 1].map((image) =>
        Math.log(mse(pick(final, image), pick(reference, image), 1) + 1e-5),
      );
      return ((logs[0] as number) + (logs[1] as number)) / 2;
    };

    it('errors of schedules equal the plain computation', async () => {
      const schedules = [
        { scores: late, chosen },
        { scores: late, chosen: [0, 1, 2, 0, 1, 2] },
        { scores: hard, chosen },
      ];
      const errors = await scheduleErrors({ parts, candidates, schedules });
      for (const [i, schedule] of schedules.entries()) {
        const [one, two] = errors[i] as [number, number];
        close((one + two) / 2, await logError(schedule));
      }
    });

    it('makes the best of all swaps, if it tries them all', async () => {
      const found = await swapSteps({ ...search, tries: 100 });
      const { swap, before, after } = found;
      close(before, await logError({ scores: late, chosen }));
      const errors: number[] = [];
      for (const computed of [1, 2, 3]) {
        for (const predicted of [4, 5]) {
          const rows = swapped(late, { computed, predicted });
          expect(rows.flat().filter(Boolean)).toHaveLength(late.flat().filter(Boolean).length);
          errors.push(await logError({ scores: rows, chosen: found.chosen }));
        }
      }
      close(after, Math.min(...errors));
      expect(after).toBeLessThan(before);
      const made = { scores: swapped(late, swap as Swap), chosen: found.chosen };
      close(after, await logError(made));
    });

    it('takes no gain that the images do not agree on', () => {
      expect(isBetter([1, 1.2], [2, 2])).toBe(true);
      expect(isBetter([0, 3], [2, 2])).toBe(false); // gains of 2 and -1
      expect(isBetter([2, 2], [2, 2])).toBe(false);
      expect(isBetter([1], [2])).toBe(true);
    });

    it('ends where no swap helps', async () => {
      let schedule: SteppedSchedule = { scores: late, chosen };
      for (let round = 0; round < 12; round++) {
        const found = await swapSteps({ ...search, ...schedule, tries: 100 });
        expect(found.after).toBeLessThanOrEqual(found.before);
        if (!found.swap) return;
        schedule = { scores: swapped(schedule.scores, found.swap), chosen: found.chosen };
      }
      throw new Error('it goes on for ever');
    });

    it('refuses steps that are computed in part', async () => {
      await expect(swapSteps({ ...search, scores: hard })).rejects.toBeInstanceOf(
        InvalidArgumentError,
      );
    });
  });

  it.each([
    ['leave-one-out', leaveOneOutLambda],
    ['cumulative', cumulativeLambda],
    ['marginal', marginalLambda],
    ['single-step', singleStepLambda],
  ])('leaks no tensor and no handle, also when aborted (%s)', async (_, lambda) => {
    const before = memory().numTensors;
    const handles = executor.liveHandles;
    await lambda({ parts, scores: hard });
    expect(memory().numTensors).toBe(before);
    for (const steps of [1, 4, 9, 14]) {
      const controller = new AbortController();
      const stopping = watched((call) => call === steps && controller.abort());
      const { signal } = controller;
      const stopped = {
        parts: [{ run: { ...run, executor: stopping }, latent }],
        scores: hard,
        signal,
      };
      await expect(lambda(stopped)).rejects.toBeInstanceOf(AbortedError);
      expect(memory().numTensors).toBe(before);
      expect(executor.liveHandles).toBe(handles);
    }
  });

  describe('in parts of one and two images', () => {
    const inAll = [0, 1, 2, 0, 1, 2];
    const rowsOf = (images: readonly number[]) =>
      tensor1d([...images, ...images.map((i) => 3 + i)], 'int32');
    const labels = tensor1d([0, 2, 1, 3, 3, 3], 'int32');
    const noise = tensor4d(
      inAll.flatMap((image) => Array.from({ length: 64 }, (_, i) => Math.sin(7 * i + image))),
      [6, 4, 4, 4],
    );
    const partOf = (...images: readonly number[]): RunPart => ({
      run: { ...run, condition: { labels: gather(labels, rowsOf(images)) } },
      latent: gather(noise, rowsOf(images)),
    });
    const whole = [partOf(0, 1, 2)];
    const split = [partOf(0), partOf(1, 2)];
    const candidates = names.map(predictorByName);
    const largest = { relative: 1e-5, absolute: 1e-5 };

    it.each([
      ['leave-one-out', leaveOneOutLambda],
      ['cumulative', cumulativeLambda],
    ])('%s is that of the whole batch', async (_, lambda) => {
      const expected = await lambda({ parts: whole, scores });
      expectClose(await lambda({ parts: split, scores }), expected, largest);
      expect(Math.min(...expected.slice(1))).toBeGreaterThan(0);
    });

    it.each([
      ['marginal', marginalLambda],
      ['single-step', singleStepLambda],
    ])('%s is that of the whole batch, and so is what it chooses', async (_, find) => {
      const expected = await find({ parts: whole, scores: hard, candidates });
      const found = await find({ parts: split, scores: hard, candidates });
      expectClose(found.lambda, expected.lambda, largest);
      expectClose(found.stepError, expected.stepError, largest);
      expect(found.chosen).toEqual(expected.chosen);
    });

    it('holds what a variation adds for one part at a time', async () => {
      const peakOf = async (parts: readonly RunPart[]): Promise<number> => {
        let peak = 0;
        const watching = watched(() => {
          peak = Math.max(peak, executor.liveHandles);
        });
        const seen = parts.map((part) => ({ ...part, run: { ...part.run, executor: watching } }));
        await marginalLambda({ parts: seen, scores: hard });
        return peak;
      };
      const before = executor.liveHandles;
      const one = (await peakOf([partOf(0)])) - before;
      const three = (await peakOf([partOf(0), partOf(1), partOf(2)])) - before;
      // The caches of two more parts, not their variations.
      expect(three).toBeLessThanOrEqual(one + 2 * 4 * run.predictor.depth);
      expect(executor.liveHandles).toBe(before);
    });

    it('leaves no tensor and no handle when a part is stopped', async () => {
      const before = memory().numTensors;
      const handles = executor.liveHandles;
      for (const steps of [2, 5, 12, 21]) {
        const controller = new AbortController();
        const stopping = watched((call) => call === steps && controller.abort());
        const stopped = split.map((part) => ({
          ...part,
          run: { ...part.run, executor: stopping },
        }));
        const { signal } = controller;
        const found = singleStepLambda({ parts: stopped, scores: hard, candidates, signal });
        await expect(found).rejects.toBeInstanceOf(AbortedError);
        expect(memory().numTensors).toBe(before);
        expect(executor.liveHandles).toBe(handles);
      }
    });

    it('refuses a batch without parts', async () => {
      await expect(leaveOneOutLambda({ parts: [], scores })).rejects.toBeInstanceOf(
        InvalidArgumentError,
      );
    });
  });

  it('stops when its signal is aborted', async () => {
    const signal = AbortSignal.abort();
    await expect(leaveOneOutLambda({ parts, scores, signal })).rejects.toThrowError(
      /lambda refresh was stopped/,
    );
  });
});

import '@tensorflow/tfjs-backend-cpu';
import {
  createEagerExecutor,
  type Executor,
  type generate,
  InvalidArgumentError,
} from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { eulerPlan, sampleTiny, spyOnOutputs } from './__fixtures__/observed-run.js';
import { official } from './__fixtures__/official-policies.js';
import { createMagnitudeRecorder, magnitudeRatio } from './methods/mag-cache.js';
import { createChangeRecorder } from './methods/smooth-cache.js';
import { createTeaCacheRecorder } from './methods/tea-cache.js';
import { relativeChange } from './run/relative-change.js';

const STEPS = 5;
const plan = eulerPlan(STEPS);

/** Sums in float64 of what the recorders sum in float32: relative distance. */
const TOLERANCE = 1e-5;

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function changeOf(value: Float32Array, base: Float32Array): number {
  const distance = sum(Array.from(value, (v, i) => Math.abs(v - (base[i] as number))));
  return distance / sum(Array.from(base, Math.abs));
}

function ratioOf(value: Float32Array, base: Float32Array, width: number): number {
  const lengths = (tensor: Float32Array) =>
    Array.from({ length: tensor.length / width }, (_, i) =>
      Math.hypot(...tensor.subarray(i * width, (i + 1) * width)),
    );
  const below = lengths(base);
  const ratios = lengths(value).map((length, i) => length / (below[i] as number));
  return sum(ratios) / ratios.length;
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    const reference = expected[i] as number;
    expect(Math.abs(value - reference)).toBeLessThan(TOLERANCE * Math.abs(reference));
  });
}

describe('recorders', () => {
  let executor: Executor;
  /** What the branches put out for two pairs of seeds, `[runs][T][N]`. */
  let outputs: (readonly (readonly Float32Array[])[])[];

  beforeAll(async () => {
    await tf.setBackend('cpu');
    executor = createEagerExecutor(createTinyBackbone());
    outputs = [];
    for (const seeds of [
      [1, 2],
      [3, 4],
    ]) {
      const spy = spyOnOutputs(executor);
      await sampleTiny({ executor: spy.executor, plan, seeds });
      outputs.push(spy.steps);
    }
  });

  const outputAt = (run: number, step: number, branch: number) =>
    outputs[run]?.[step]?.[branch] as Float32Array;
  const meanOverRuns = (of: (run: number) => number) => (of(0) + of(1)) / 2;
  const branchesOfModel = () => executor.spec.branches.map(({ index }) => index);

  async function recordBoth(cache: Parameters<typeof generate>[0]['cache']) {
    for (const seeds of [
      [1, 2],
      [3, 4],
    ]) {
      await sampleTiny({ executor, plan, seeds, ...(cache && { cache }) });
    }
  }

  it('changes are those of the outputs, the mean over runs, by the earlier step', async () => {
    const recorder = createChangeRecorder({ lookback: 2 });
    await recordBoth(recorder.cache);
    const { steps, runs, changes } = recorder.recorded();
    expect([steps, runs, changes.length]).toEqual([STEPS, 2, 2]);
    changes.forEach((rows, i) => {
      expect(rows).toHaveLength(STEPS - 1 - i);
      rows.forEach((row, step) => {
        const expected = branchesOfModel().map((k) =>
          meanOverRuns((run) => changeOf(outputAt(run, step, k), outputAt(run, step + 1 + i, k))),
        );
        expectClose(row, expected);
      });
    });
  });

  it('magnitudes are those of the outputs, from 1 in step 0', async () => {
    const recorder = createMagnitudeRecorder();
    await recordBoth(recorder.cache);
    const { steps, runs, ratios, branchRatios } = recorder.recorded();
    expect([steps, runs, ratios.length]).toEqual([STEPS, 2, STEPS]);
    expect([ratios[0], ...(branchRatios[0] ?? [])]).toEqual([1, ...branchesOfModel().map(() => 1)]);
    const { width } = executor.spec.tokens;
    branchRatios.slice(1).forEach((row, i) => {
      const expected = branchesOfModel().map((k) =>
        meanOverRuns((run) => ratioOf(outputAt(run, i + 1, k), outputAt(run, i, k), width)),
      );
      expectClose(row, expected);
    });
  });

  const recorders = [
    { name: 'changes', create: () => createChangeRecorder() },
    { name: 'magnitudes', create: () => createMagnitudeRecorder() },
    { name: 'pairs', create: () => createTeaCacheRecorder() },
  ];

  it.each(recorders)('$name: looks on without a trace', async ({ create }) => {
    const { values } = await sampleTiny({ executor, plan });
    const before = tf.memory().numTensors;
    const recorder = create();
    const watched = await sampleTiny({ executor, plan, cache: recorder.cache });
    expect(watched.values).toEqual(values);
    expect(watched.decisions.flat().every(Boolean)).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
    expect(executor.liveHandles).toBe(0);
  });

  it.each(recorders)(
    '$name: frees everything when reading fails, and has no run',
    async ({ create }) => {
      const before = tf.memory().numTensors;
      const recorder = create();
      let reads = 0;
      const countRead = () => {
        reads += 1;
        if (reads === 3) throw new InvalidArgumentError({ argument: 'x', value: 0, expected: '1' });
      };
      const failing: Executor = {
        ...executor,
        async read(value) {
          countRead();
          return executor.read(value);
        },
        async readStream(stream, branch) {
          countRead();
          return executor.readStream(stream, branch);
        },
      };
      const run = sampleTiny({ executor: failing, plan, cache: recorder.cache });
      await expect(run).rejects.toThrow(InvalidArgumentError);
      expect(tf.memory().numTensors).toBe(before);
      expect(executor.liveHandles).toBe(0);
      expect(() => recorder.recorded()).toThrow(/at least one run that came to its end/);
    },
  );

  it('refuses a run of another length', async () => {
    const recorder = createMagnitudeRecorder();
    await sampleTiny({ executor, plan, cache: recorder.cache });
    const other = sampleTiny({ executor, plan: eulerPlan(STEPS + 1), cache: recorder.cache });
    await expect(other).rejects.toThrow(/number of steps is 6; expected 5/);
    expect(() => createChangeRecorder({ lookback: 0 })).toThrow(InvalidArgumentError);
  });
});

describe('measures', () => {
  it('the change is that of the official SmoothCache code', async () => {
    const { outputs, changes } = official.smoothCache;
    for (const [i, rows] of changes.entries()) {
      for (const [step, row] of rows.entries()) {
        const tensors = [outputs[step], outputs[step + 1 + i]].map((each) =>
          tf.tensor(each as number[][]),
        );
        const measured: number[] = [];
        for (const k of row.keys()) {
          const [value, base] = tensors.map((each) => tf.slice(each, [k, 0], [1, -1])) as [
            tf.Tensor,
            tf.Tensor,
          ];
          measured.push(await relativeChange(value, base));
        }
        expectClose(measured, row);
      }
    }
  });

  it('the change of equal tensors is 0, zeros among them', async () => {
    const [zeros, ones] = [tf.zeros([3]), tf.ones([3])];
    expect(await relativeChange(zeros, zeros)).toBe(0);
    expect(await relativeChange(ones, zeros)).toBe(Number.POSITIVE_INFINITY);
  });

  it('the magnitude ratio is that of diffusers', async () => {
    const { residuals, ratios } = official.magCache.calibration;
    const tensors = residuals.map((each) => tf.tensor3d(each));
    const measured: number[] = [];
    for (const [i, value] of tensors.slice(1).entries()) {
      measured.push(await magnitudeRatio(value, tensors[i] as tf.Tensor));
    }
    expectClose(measured, ratios.slice(1));
  });
});

import '@tensorflow/tfjs-backend-cpu';
import { createEagerExecutor, type Executor, InvalidArgumentError } from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { branchesOf } from './__fixtures__/branches.js';
import { eulerPlan, sampleTiny } from './__fixtures__/observed-run.js';
import { official } from './__fixtures__/official-policies.js';
import { evaluatePolynomial } from './calibration/fit-polynomial.js';
import {
  type DualBlockCacheLimits,
  dualBlockCachePolicy,
  dualBlockDecider,
} from './methods/dual-block-cache.js';
import { firstBlockCachePolicy } from './methods/first-block-cache.js';
import { fixedIntervalSchedule } from './methods/fora.js';
import { teaCachePolicy } from './methods/tea-cache.js';
import { holdPredictor, linearPredictor, taylorPredictor } from './predictors.js';
import type { DynamicPolicy, Watch } from './run/dynamic-policy.js';
import { withCache } from './run/with-cache.js';
import { withPolicy } from './run/with-policy.js';
import { createSchedule } from './schedule/schedule.js';
import { schedulePolicy } from './schedule-policy.js';

const branches = branchesOf(3);

const changeOf = (value: readonly number[], base: readonly number[]) => {
  const size = base.reduce((sum, b) => sum + Math.abs(b), 0);
  return value.reduce((sum, v, i) => sum + Math.abs(v - (base[i] as number)), 0) / size;
};

/** What a policy decides about the middle of a model whose watched output is given for each step. */
function decisionsOf(policy: DynamicPolicy, outputs: readonly (readonly number[])[]): string {
  const running = policy.start({ steps: outputs.length, branches });
  const middle = branches[branches.length - 1];
  let reference = outputs[0] as readonly number[];
  return outputs
    .map((output, step) => {
      if (step === 0 || !middle) return '1';
      const decision = running.decide(step, middle, { change: changeOf(output, reference) });
      const renews = decision === 'compute' || running.watch?.since === 'last-step';
      if (renews) reference = output;
      return decision === 'compute' ? '1' : '0';
    })
    .join('');
}

describe('firstBlockCachePolicy', () => {
  it.each(official.firstBlockCache)('decides as diffusers at $threshold', (expected) => {
    const { threshold, outputs, table } = expected;
    expect(decisionsOf(firstBlockCachePolicy({ threshold }), outputs)).toBe(table);
  });

  it('has the threshold of diffusers, and always computes block 0', () => {
    const expected = official.firstBlockCache.find(({ threshold }) => threshold === 0.05);
    expect(decisionsOf(firstBlockCachePolicy(), expected?.outputs ?? [])).toBe(expected?.table);
    const running = firstBlockCachePolicy({ threshold: 1 }).start({ steps: 9, branches });
    const row = branches.map((branch) => running.decide(1, branch, { change: 0.5 }));
    expect(row.join(' ')).toBe('compute compute predict predict predict predict');
    expect(running.watch).toEqual({ signal: 'residual', branch: 2, since: 'last-full-step' });
  });

  it('refuses a negative threshold and a model of one block', () => {
    expect(() => firstBlockCachePolicy({ threshold: -1 })).toThrow(InvalidArgumentError);
    const one = { steps: 9, branches: branchesOf(1) };
    expect(() => firstBlockCachePolicy().start(one)).toThrow(InvalidArgumentError);
  });
});

describe('dualBlockCachePolicy', () => {
  const limit = (value: number) => (value < 0 ? Number.POSITIVE_INFINITY : value);

  it.each(official.dualBlockCache)(
    'decides as cache-dit: $threshold, warm-up $warmUp, $maxCached in all, $maxConsecutive in a row',
    ({ threshold, warmUp, maxCached, maxConsecutive, outputs, table }) => {
      const policy = dualBlockCachePolicy({
        frontBlocks: 1,
        threshold,
        warmUp,
        maxCached: limit(maxCached),
        maxConsecutive: limit(maxConsecutive),
      });
      expect(decisionsOf(policy, outputs)).toBe(table);
    },
  );

  it('computes the steps of its mask, and everything once changes have added up', () => {
    const decide = (limits: DualBlockCacheLimits, changes: readonly number[]) => {
      const decideStep = dualBlockDecider({ warmUp: 1, threshold: 0.2, ...limits });
      const decisions = changes.map((change, i) => decideStep(i + 1, { change }));
      return decisions.map((decision) => (decision === 'compute' ? '1' : '0')).join('');
    };
    const changes = [0.1, 0.1, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1];
    expect(decide({}, changes)).toBe('00100000');
    expect(decide({ computedSteps: [2, 5, 90] }, changes)).toBe('01101000');
    // 0.1 + 0.1 + 0.3 + 0.1 are seen before the fifth, and what a mask computes is not seen.
    expect(decide({ maxAccumulated: 0.55 }, changes)).toBe('00101111');
    expect(decide({ maxAccumulated: 0.55, computedSteps: [3] }, changes)).toBe('00100001');
    expect(decide({ maxAccumulated: 0.05, threshold: 1 }, changes)).toBe('00000000');
    expect(decide({ maxAccumulated: 0.55, maxConsecutive: 1 }, changes)).toBe('01100111');
  });

  it('computes front and back blocks in every step', () => {
    const options = { frontBlocks: 1, backBlocks: 1, warmUp: 0, threshold: 1 };
    const running = dualBlockCachePolicy(options).start({ steps: 9, branches });
    const row = branches.map((branch) => running.decide(1, branch, { change: 3 }));
    expect(row.join(' ')).toBe('compute compute predict predict compute compute');
  });

  it.each([
    { frontBlocks: 0 },
    { backBlocks: -1 },
    { warmUp: -1 },
    { threshold: Number.NaN },
    { maxCached: -1 },
    { maxConsecutive: 0.5 },
    { maxAccumulated: 0 },
    { maxAccumulated: Number.NaN },
    { computedSteps: [1, -2] },
  ])('refuses %o', (wrong) => {
    expect(() => dualBlockCachePolicy(wrong)).toThrow(InvalidArgumentError);
  });

  it('refuses a model whose blocks are all front or back', () => {
    const run = { steps: 9, branches };
    expect(() => dualBlockCachePolicy().start(run)).toThrow(InvalidArgumentError);
    const all = dualBlockCachePolicy({ frontBlocks: 2, backBlocks: 1 });
    expect(() => all.start(run)).toThrow(/fewer than the model's 3 blocks/);
  });
});

describe('teaCachePolicy', () => {
  const coefficients = [2, 0.5, 0.01];

  /** The method as its paper tells it. */
  function reference(changes: readonly number[], threshold: number, first: number, last: number) {
    let accumulated = 0;
    return changes.map((change, i) => {
      const step = i + 1;
      if (step < first || step >= changes.length + 1 - last) {
        accumulated = 0;
        return 'compute';
      }
      accumulated += evaluatePolynomial(coefficients, change);
      if (accumulated < threshold) return 'predict';
      accumulated = 0;
      return 'compute';
    });
  }

  it.each([
    [0.1, 1, 1],
    [0.25, 3, 2],
    [0, 1, 1],
    [9, 1, 0],
  ])(
    'adds up rescaled changes: threshold %d, first %d, last %d',
    (threshold, firstSteps, lastSteps) => {
      const changes = Array.from({ length: 19 }, (_, i) => 0.05 + 0.04 * Math.sin(7 * i));
      const running = teaCachePolicy({ coefficients, threshold, firstSteps, lastSteps }).start({
        steps: 20,
        branches,
      });
      const decided = changes.map((change, i) => {
        const row = branches.map((branch) => running.decide(i + 1, branch, { change }));
        expect(new Set(row).size).toBe(1);
        return row[0];
      });
      expect(decided).toEqual(reference(changes, threshold, firstSteps, lastSteps));
      expect(running.watch).toEqual({ signal: 'input', branch: 0, since: 'last-step' });
    },
  );

  it.each([
    { coefficients: [] },
    { coefficients: [Number.NaN] },
    { threshold: -1 },
    { firstSteps: 0 },
    { lastSteps: -1 },
  ])('refuses %o', (wrong) => {
    const right = { coefficients, threshold: 0.1 };
    expect(() => teaCachePolicy({ ...right, ...wrong })).toThrow(InvalidArgumentError);
  });
});

describe('dynamic policies, sampling on the eager executor', () => {
  const STEPS = 10;
  const plan = eulerPlan(STEPS);
  let executor: Executor;

  beforeAll(async () => {
    await tf.setBackend('cpu');
    executor = createEagerExecutor(createTinyBackbone());
  });

  const cases = [
    { policy: firstBlockCachePolicy({ threshold: 0.15 }), predictor: holdPredictor },
    {
      policy: dualBlockCachePolicy({
        frontBlocks: 1,
        warmUp: 2,
        threshold: 0.12,
        maxConsecutive: 2,
      }),
      predictor: taylorPredictor({ order: 2 }),
    },
    {
      policy: teaCachePolicy({ coefficients: [1, 0], threshold: 0.2 }),
      predictor: linearPredictor,
    },
  ];

  it.each(cases)(
    '$policy.name: what it decided is a schedule that gives the same images',
    async ({ policy, predictor }) => {
      const before = tf.memory().numTensors;
      const cache = withPolicy({ policy, predictor });
      const dynamic = await sampleTiny({ executor, plan, cache });
      const predicted = dynamic.decisions.filter((row) => row.includes(false)).length;
      expect(predicted).toBeGreaterThan(1);
      expect(predicted).toBeLessThan(STEPS - 1);
      const schedule = createSchedule({ decisions: dynamic.decisions });
      const planned = await sampleTiny({
        executor,
        plan,
        cache: withCache({ schedule, predictor }),
      });
      expect(planned.values).toEqual(dynamic.values);
      // A method can be used again: nothing is left of the run before.
      expect((await sampleTiny({ executor, plan, cache })).decisions).toEqual(dynamic.decisions);
      expect(tf.memory().numTensors).toBe(before);
      expect(executor.liveHandles).toBe(0);
    },
  );

  const watches: readonly Watch[] = [
    { signal: 'residual', branch: 2, since: 'last-step' },
    { signal: 'residual', branch: 1, since: 'last-full-step' },
    { signal: 'input', branch: 0, since: 'last-step' },
    { signal: 'input', branch: 3, since: 'last-full-step' },
  ];

  it.each(watches)(
    'is told how the $signal at branch $branch has changed since the $since',
    async (watch) => {
      const { signal, branch: place, since } = watch;
      const probes: (number | undefined)[][] = [];
      const read: Float32Array[] = [];
      const reading: Executor = {
        ...executor,
        async readStream(stream, branch) {
          const tensor = await executor.readStream(stream, branch);
          expect(branch).toBe(signal === 'input' ? place : undefined);
          read.push((await tensor.data()) as Float32Array);
          return tensor;
        },
      };
      const policy: DynamicPolicy = {
        name: 'odd',
        start: () => ({
          name: 'odd',
          watch,
          decide(step, { index }, { change }) {
            probes[step] ??= [];
            (probes[step] as (number | undefined)[])[index] = change;
            return step % 3 === 0 ? 'compute' : 'predict';
          },
        }),
      };
      await sampleTiny({
        executor: reading,
        plan,
        cache: withPolicy({ policy, predictor: holdPredictor }),
      });
      const watched = (step: number): readonly number[] => {
        if (signal === 'input') return Array.from(read[step] as Float32Array);
        const [before, after] = [read[2 * step], read[2 * step + 1]] as [
          Float32Array,
          Float32Array,
        ];
        return Array.from(after, (value, i) => value - (before[i] as number));
      };
      for (let step = 1; step < STEPS; step++) {
        const base = since === 'last-step' ? step - 1 : step - 1 - ((step - 1) % 3);
        const asked = Object.entries(probes[step] ?? []);
        for (const [, change] of asked) {
          expect(change).toBeCloseTo(changeOf(watched(step), watched(base)), 4);
        }
        // Branches before the watched place are computed without asking.
        const { length } = executor.spec.branches;
        const free = Array.from({ length: length - place }, (_, i) => String(place + i));
        expect(asked.map(([index]) => index)).toEqual(free);
      }
    },
  );

  it('frees everything when reading fails', async () => {
    const before = tf.memory().numTensors;
    let reads = 0;
    const failing: Executor = {
      ...executor,
      async readStream(stream, branch) {
        reads += 1;
        if (reads === 6) throw new InvalidArgumentError({ argument: 'x', value: 0, expected: '1' });
        return executor.readStream(stream, branch);
      },
    };
    const cache = withPolicy({ policy: firstBlockCachePolicy(), predictor: holdPredictor });
    await expect(sampleTiny({ executor: failing, plan, cache })).rejects.toThrow(
      InvalidArgumentError,
    );
    expect(tf.memory().numTensors).toBe(before);
    expect(executor.liveHandles).toBe(0);
  });

  it.each([
    { signal: 'residual', branch: 0 },
    { signal: 'residual', branch: 4 },
    { signal: 'input', branch: -1 },
    { signal: 'input', branch: 1.5 },
  ] as const)('refuses to watch the $signal at branch $branch', async (place) => {
    const policy: DynamicPolicy = {
      name: 'far',
      start: () => ({
        name: 'far',
        watch: { ...place, since: 'last-step' },
        decide: () => 'compute',
      }),
    };
    const cache = withPolicy({ policy, predictor: holdPredictor });
    await expect(sampleTiny({ executor, plan, cache })).rejects.toThrow(/watch.branch is/);
  });

  it('reads nothing for a policy that watches nothing', async () => {
    const blind: Executor = {
      ...executor,
      read: () => expect.fail('read an output'),
      readStream: () => expect.fail('read a stream'),
    };
    const policy = schedulePolicy({
      schedule: fixedIntervalSchedule({
        steps: STEPS,
        branches: executor.spec.branches,
        interval: 2,
      }),
    });
    const { decisions } = await sampleTiny({
      executor: blind,
      plan,
      cache: withPolicy({ policy, predictor: holdPredictor }),
    });
    expect(decisions.flat()).toContain(false);
  });
});

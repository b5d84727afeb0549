import {
  type BranchRunner,
  type CacheSchedule,
  DisposedError,
  EngineError,
  IncompatibleError,
  InvalidArgumentError,
} from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { branchesOf } from './__fixtures__/branches.js';
import {
  branchOutput,
  createFakeExecutor,
  type FakeExecutor,
  gate,
} from './__fixtures__/fake-executor.js';
import { randomSchedules } from './__fixtures__/random-schedules.js';
import { predictorByName } from './predictors.js';
import { planCache } from './run/plan-cache.js';
import { withCache } from './run/with-cache.js';
import { withPolicy } from './run/with-policy.js';
import { createSchedule, scheduleDecisions } from './schedule/schedule.js';
import { schedulePolicy } from './schedule-policy.js';

const startOf = (step: number) => Math.cos(3 * step);
const timeOf = (step: number) => 10 - step;

/** What every step ends with, by the plainest loop there is: keep all outputs for ever. */
function referenceRun({ table, branches, predictor }: CacheSchedule): readonly number[] {
  const computed = Array.from({ length: branches }, (): { step: number; value: number }[] => []);
  const { depth, weights } = predictorByName(predictor);
  return table.map((row, step) => {
    let x = startOf(step);
    for (let branch = 0; branch < branches; branch++) {
      const history = computed[branch] as { step: number; value: number }[];
      let output = branchOutput(x, branch, timeOf(step));
      if (row[branch] === '0') {
        const last = history.slice(-depth).reverse();
        const w = weights(
          step,
          last.map((entry) => entry.step),
        );
        output = last.reduce((sum, { value }, j) => sum + (w[j] as number) * value, 0);
      } else {
        history.push({ step, value: output });
      }
      x += gate(branch, timeOf(step)) * output;
    }
    return x;
  });
}

async function runAll(options: { runner: BranchRunner; executor: FakeExecutor; steps: number }) {
  const { runner, executor, steps } = options;
  const ends: number[] = [];
  for (let step = 0; step < steps; step++) {
    const stream = await runner.run(step, executor.start(startOf(step), timeOf(step)));
    ends.push(executor.xOf(stream));
    executor.release(stream);
  }
  return ends;
}

const methods = [
  { name: 'withCache', create: (schedule: CacheSchedule) => withCache({ schedule }) },
  {
    name: 'withPolicy',
    create: (schedule: CacheSchedule) =>
      withPolicy({
        policy: schedulePolicy({ schedule }),
        predictor: predictorByName(schedule.predictor),
      }),
  },
];

const alternating = createSchedule({
  decisions: [true, true, false, true, false].map((computed) => [computed, computed, true, true]),
  predictor: 'linear',
});

describe.each(methods)('$name', ({ create }) => {
  it('does what a loop that keeps everything does, bit for bit, and leaves nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(randomSchedules({ branches: 4 }), async (schedule) => {
        const executor = createFakeExecutor();
        const runner = create(schedule)(executor, schedule.steps);
        const ends = await runAll({ runner, executor, steps: schedule.steps });
        expect(ends).toEqual(referenceRun(schedule));
        expect(runner.decisions).toEqual(scheduleDecisions(schedule));
        runner.dispose();
        expect(executor.liveHandles).toBe(0);
      }),
    );
  });

  it('gives the cache back when it is disposed in the middle, and then refuses to run', async () => {
    const executor = createFakeExecutor();
    const runner = create(alternating)(executor, 5);
    await runAll({ runner, executor, steps: 2 });
    expect(executor.liveHandles).toBeGreaterThan(0);
    runner.dispose();
    runner.dispose();
    expect(executor.liveHandles).toBe(0);
    await expect(runner.run(2, executor.start(1, 1))).rejects.toThrow(DisposedError);
    expect(executor.liveHandles).toBe(0);
  });

  it('gives everything back when the executor fails, at whichever call', async () => {
    const total = createFakeExecutor();
    await runAll({ runner: create(alternating)(total, 5), executor: total, steps: 5 });
    for (let failing = 0; failing < total.calls.length; failing++) {
      const executor = createFakeExecutor();
      executor.onAdvance = () => {
        if (executor.calls.length === failing) {
          throw new EngineError({ engine: 'fake', operation: 'advance' });
        }
      };
      const runner = create(alternating)(executor, 5);
      await expect(runAll({ runner, executor, steps: 5 })).rejects.toThrow(EngineError);
      expect(executor.liveHandles).toBe(0);
    }
  });

  it('lets a running step end when it is disposed, and then gives everything back', async () => {
    const executor = createFakeExecutor();
    const runner = create(alternating)(executor, 5);
    await runAll({ runner, executor, steps: 2 });
    let resume = () => {};
    const waiting = new Promise<void>((resolve) => {
      resume = resolve;
    });
    executor.onAdvance = () => waiting;
    const callsBefore = executor.calls.length;
    const pending = runner.run(2, executor.start(1, 1));
    runner.dispose();
    resume();
    await expect(pending).rejects.toThrow('The cache runner is used after dispose()');
    expect(executor.calls.length).toBeGreaterThan(callsBefore);
    expect(executor.liveHandles).toBe(0);
    expect(runner.decisions).toHaveLength(2);
  });

  it('refuses steps out of order', async () => {
    const executor = createFakeExecutor();
    const runner = create(alternating)(executor, 5);
    await expect(runner.run(1, executor.start(1, 1))).rejects.toThrow(InvalidArgumentError);
    expect(executor.liveHandles).toBe(0);
  });

  it('starts every run with an empty cache', async () => {
    const executor = createFakeExecutor();
    const method = create(alternating);
    const first = await runAll({ runner: method(executor, 5), executor, steps: 5 });
    const second = await runAll({ runner: method(executor, 5), executor, steps: 5 });
    expect(second).toEqual(first);
  });
});

describe('withCache alone', () => {
  it('makes one call for each step and holds no more than its plan says', async () => {
    await fc.assert(
      fc.asyncProperty(randomSchedules({ branches: 4 }), async (schedule) => {
        const executor = createFakeExecutor();
        const runner = withCache({ schedule })(executor, schedule.steps);
        await runAll({ runner, executor, steps: schedule.steps });
        expect(executor.calls).toHaveLength(schedule.steps);
        expect(executor.peakValues).toBe(planCache({ schedule }).peakOutputs);
        // The last read of every output has passed: nothing is left to dispose.
        expect(executor.liveHandles).toBe(0);
      }),
    );
  });

  it('takes another predictor than the schedule names', async () => {
    const executor = createFakeExecutor();
    const predictor = predictorByName('quadratic');
    const runner = withCache({ schedule: alternating, predictor })(executor, 5);
    const ends = await runAll({ runner, executor, steps: 5 });
    expect(ends).toEqual(referenceRun({ ...alternating, predictor: 'quadratic' }));
    expect(ends).not.toEqual(referenceRun(alternating));
  });

  it('refuses a run of another size', () => {
    const method = withCache({ schedule: alternating });
    expect(() => method(createFakeExecutor(), 6)).toThrow(IncompatibleError);
    expect(() => method(createFakeExecutor(branchesOf(3)), 5)).toThrow(IncompatibleError);
  });
});

describe('withPolicy alone', () => {
  it('computes everything in step 0, whatever the policy says', async () => {
    const executor = createFakeExecutor();
    const policy = { name: 'never', decide: () => 'predict' as const };
    const runner = withPolicy({ policy, predictor: predictorByName('hold') })(executor, 3);
    await runAll({ runner, executor, steps: 3 });
    expect(runner.decisions).toEqual([true, false, false].map((c) => [c, c, c, c]));
    runner.dispose();
    expect(executor.liveHandles).toBe(0);
  });

  it('makes one call for each step and holds the last `depth` outputs of each branch', async () => {
    const executor = createFakeExecutor();
    const asked: string[] = [];
    const policy = {
      name: 'always',
      decide(step: number, { index }: { index: number }) {
        asked.push(`${step}.${index} after ${executor.calls.length} calls`);
        return 'compute' as const;
      },
    };
    const runner = withPolicy({ policy, predictor: predictorByName('linear') })(executor, 4);
    await runAll({ runner, executor, steps: 4 });
    expect(asked.slice(0, 5)).toEqual(
      ['1.0', '1.1', '1.2', '1.3', '2.0'].map((at) => `${at} after ${at[0]} calls`),
    );
    expect(executor.calls).toHaveLength(4);
    // Four branches of depth 2, and those of the running step before the oldest go.
    expect(executor.peakValues).toBe(12);
    runner.dispose();
  });
});

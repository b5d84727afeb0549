import '@tensorflow/tfjs-backend-cpu';
import { type BackboneSpec, createEagerExecutor, type Executor } from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import { type Conditions, classConditions } from '@harmonica/pipeline';
import { createPlan } from '@harmonica/samplers';
import { afterAll, describe, expect, it } from 'vitest';
import type { EvalRow } from './row.js';
import type { EvalContext } from './rows.js';
import { savingsOf, timeRows } from './speed.js';

const backbone = createTinyBackbone();
afterAll(() => backbone.dispose());
const { spec }: { readonly spec: BackboneSpec } = backbone;
const { begin, end, branches } = spec.macs;
const whole = begin + end + branches.reduce((sum, macs) => sum + macs, 0);

/** A step in which every branch is computed for this fraction of images. */
const step = (fraction: number) => branches.map(() => fraction);

describe('savingsOf', () => {
  it('is nothing where everything is computed', () => {
    expect(savingsOf([step(1), step(1)], spec, 2)).toEqual({
      cacheUtilization: 0,
      theoreticalSpeedUp: 1,
    });
  });

  it('counts predicted branches as free, and what is around them not', () => {
    const { cacheUtilization, theoreticalSpeedUp } = savingsOf([step(1), step(0)], spec, 2);
    expect(cacheUtilization).toBe(0.5);
    expect(theoreticalSpeedUp).toBeCloseTo((2 * whole) / (whole + begin + end), 12);
  });

  it('takes the mean over images that a dynamic policy decides differently', () => {
    const { cacheUtilization, theoreticalSpeedUp } = savingsOf([step(1), step(0.25)], spec, 2);
    expect(cacheUtilization).toBeCloseTo(0.375, 12);
    const second = begin + end + 0.25 * (whole - begin - end);
    expect(theoreticalSpeedUp).toBeCloseTo((2 * whole) / (whole + second), 12);
  });

  it('counts fewer steps against the uncached run of the group', () => {
    const fewer = savingsOf([step(1), step(1), step(1)], spec, 4);
    expect(fewer).toEqual({ cacheUtilization: 0, theoreticalSpeedUp: 4 / 3 });
  });
});

describe('timeRows', () => {
  const rowOf = (steps: number) =>
    ({
      name: `${steps} steps`,
      method: 'fewer steps',
      plan: createPlan({ steps: String(steps) }),
      policy: { kind: 'none', name: 'none' },
      key: String(steps),
    }) as unknown as EvalRow;

  /** A model, an engine and a clock: a step takes `msOf(round)` ms and no other time goes by. Lists the steps of all runs. */
  const simulated = (rowCount: number, msOf: (round: number) => number) => {
    const executor = createEagerExecutor(backbone);
    const all = classConditions({ count: 3 });
    const runs: number[] = [];
    let clock = 0;
    const condition: Conditions['condition'] = (labels) => {
      runs.push(0); // a run asks for it once, at its start
      return all.condition(labels);
    };
    const begin: Executor['begin'] = (input) => {
      const last = runs.length - 1;
      runs[last] = (runs[last] as number) + 1;
      clock += msOf(Math.floor(last / rowCount) - 1);
      return executor.begin(input);
    };
    const pipeline = {
      executor: { ...executor, begin },
      model: { conditions: { ...all, condition } },
    };
    return { pipeline, runs, now: () => clock };
  };

  const time = async (msOf: (round: number) => number) => {
    const [whole, half, quarter] = [rowOf(4), rowOf(2), rowOf(1)];
    const { pipeline, runs, now } = simulated(3, msOf);
    const jobs = [{ seed: 0, label: 1 }];
    const evaluation = { pipeline, jobs } as unknown as EvalContext;
    const rows = [
      whole,
      { ...half, uncached: whole },
      { ...quarter, uncached: whole },
      half,
      { ...quarter, uncached: half },
    ];
    const latencies = await timeRows({ evaluation, rows, images: 2, repeats: 3, now });
    return { runs, latencies };
  };

  it('runs each row once to warm up, then in turns, every other round backwards', async () => {
    const { runs, latencies } = await time((round) => (round < 0 ? 1e6 : 10));
    expect(runs).toEqual([
      ...[1, 2, 4], // not timed
      ...[4, 2, 1],
      ...[1, 2, 4],
      ...[4, 2, 1],
    ]);
    const seen = latencies.map(({ images, ms }) => [images, ms.count, ms.min, ms.max]);
    expect(seen).toEqual([
      [2, 3, 40, 40],
      [2, 3, 20, 20],
      [2, 3, 10, 10],
      [2, 3, 20, 20],
      [2, 3, 10, 10],
    ]);
  });

  it('takes ratios within a round, to the uncached run of the group', async () => {
    const { latencies } = await time((round) => 10 * 3 ** (round + 1));
    expect(latencies.map(({ ms }) => [ms.min, ms.median, ms.max])).toEqual([
      [120, 360, 1080],
      [60, 180, 540],
      [30, 90, 270],
      [60, 180, 540],
      [30, 90, 270],
    ]);
    const ratios = latencies.map(({ speedUp: { count, min, max } }) => [count, min, max]);
    expect(ratios).toEqual([1, 2, 4, 1, 2].map((ratio) => [3, ratio, ratio]));
  });
});

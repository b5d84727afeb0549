import { AbortedError, InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { latencyRatio, measure, measureInterleaved } from './measure.js';

/** A clock that only moves when a run says so. */
function fakeClock() {
  let ms = 0;
  const spend = (amount: number) => {
    ms += amount;
  };
  return { now: () => ms, spend };
}

describe('measure', () => {
  it('leaves the warm-up out and keeps the order', async () => {
    const { now, spend } = fakeClock();
    const times = [100, 90, 5, 3, 4];
    const result = await measure({
      run: () => spend(times.shift() as number),
      warmup: 2,
      repeats: 3,
      now,
    });
    expect(result).toMatchObject({ samplesMs: [5, 3, 4], median: 4, min: 3, max: 5, count: 3 });
    expect(times).toEqual([]);
  });

  it('waits for asynchronous runs', async () => {
    const { now, spend } = fakeClock();
    const run = async () => {
      await Promise.resolve();
      spend(8);
    };
    expect((await measure({ run, now })).samplesMs).toEqual([8, 8, 8, 8, 8]);
  });

  it('reads a real clock by default', async () => {
    const run = () => new Promise((resolve) => setTimeout(resolve, 5));
    const { min } = await measure({ run, warmup: 0, repeats: 2 });
    expect(min).toBeGreaterThan(3);
  });

  it('stops when its caller says so', async () => {
    const controller = new AbortController();
    let runs = 0;
    const run = () => {
      runs += 1;
      if (runs === 3) controller.abort();
    };
    await expect(measure({ run, repeats: 10, signal: controller.signal })).rejects.toThrow(
      AbortedError,
    );
    expect(runs).toBe(3);
  });

  it('lets an error of the run through', async () => {
    const failure = new InvalidArgumentError({ argument: 'x', value: 1, expected: '2' });
    await expect(measure({ run: () => Promise.reject(failure) })).rejects.toBe(failure);
  });

  it.each([{ warmup: -1 }, { warmup: 0.5 }, { repeats: 0 }, { repeats: Number.NaN }])(
    'refuses %o',
    async (settings) => {
      await expect(measure({ run: () => undefined, ...settings })).rejects.toThrow(
        InvalidArgumentError,
      );
    },
  );
});

describe('measureInterleaved', () => {
  it('pairs the times of each round and alternates who goes first', async () => {
    const { now, spend } = fakeClock();
    const order: string[] = [];
    const slowPhase = () => (order.length > 4 ? 10 : 1);
    const [a, b] = await measureInterleaved({
      runs: [
        () => {
          order.push('a');
          spend(6 * slowPhase());
        },
        () => {
          order.push('b');
          spend(2 * slowPhase());
        },
      ],
      warmup: 1,
      repeats: 4,
      now,
    });
    expect(order).toEqual(['b', 'a', 'a', 'b', 'b', 'a', 'a', 'b', 'b', 'a']);
    expect(a.samplesMs).toEqual([6, 60, 60, 60]);
    expect(b.samplesMs).toEqual([2, 20, 20, 20]);
    const ratio = latencyRatio(a, b);
    expect(ratio.samples).toEqual([3, 3, 3, 3]);
    expect(ratio).toMatchObject({ median: 3, spread: 0, count: 4 });
  });

  it('takes any number of runs, and hears an abort between two of them', async () => {
    const { now, spend } = fakeClock();
    const controller = new AbortController();
    const order: number[] = [];
    const runs = [1, 2, 3].map((ms) => () => {
      order.push(ms);
      spend(ms);
    });
    const results = await measureInterleaved({ runs, warmup: 0, repeats: 2, now });
    expect(results.map(({ samplesMs }) => samplesMs)).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(order).toEqual([1, 2, 3, 3, 2, 1]);
    const { signal } = controller;
    const stopping = [() => controller.abort(), ...runs];
    const stopped = measureInterleaved({ runs: stopping, warmup: 0, signal, now });
    await expect(stopped).rejects.toThrow(AbortedError);
    expect(order).toHaveLength(6);
  });
});

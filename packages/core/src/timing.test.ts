import { describe, expect, it } from 'vitest';
import { AbortedError, InvalidArgumentError } from './errors.js';
import { measureRounds, timed } from './timing.js';

describe('measureRounds', () => {
  it('leaves the warm-up out and keeps the order', async () => {
    const seen: number[] = [];
    const take = async (round: number) => {
      seen.push(round);
      return 10 * round;
    };
    expect(await measureRounds({ warmup: 2, repeats: 3 }, take)).toEqual([0, 10, 20]);
    expect(seen).toEqual([-2, -1, 0, 1, 2]);
    expect(await measureRounds({}, take)).toHaveLength(5);
  });

  it('stops before the next round when its caller says so', async () => {
    const controller = new AbortController();
    let rounds = 0;
    const take = async () => {
      rounds += 1;
      if (rounds === 3) controller.abort();
    };
    const { signal } = controller;
    await expect(measureRounds({ repeats: 10, signal }, take)).rejects.toThrow(AbortedError);
    expect(rounds).toBe(3);
  });

  it.each([{ warmup: -1 }, { warmup: 0.5 }, { repeats: 0 }, { repeats: Number.NaN }])(
    'refuses %o',
    async (settings) => {
      await expect(measureRounds(settings, async () => 1)).rejects.toThrow(InvalidArgumentError);
    },
  );
});

describe('timed', () => {
  it('waits for what it times', async () => {
    let ms = 3;
    const run = async () => {
      await Promise.resolve();
      ms += 8;
      return 'done';
    };
    expect(await timed(() => ms, run)).toEqual({ value: 'done', ms: 8 });
  });
});

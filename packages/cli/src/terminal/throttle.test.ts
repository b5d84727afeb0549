import { describe, expect, it } from 'vitest';
import { createThrottle } from './throttle.js';

describe('createThrottle', () => {
  const record = () => {
    const written: number[] = [];
    let time = 0;
    const checkpointer = createThrottle<number>({
      everyMs: 100,
      now: () => time,
      write: async (state) => void written.push(state),
    });
    const offerAt = async (at: number, state: number) => {
      time = at;
      await checkpointer.offer(state);
    };
    return { written, checkpointer, offerAt };
  };

  it('writes the first state at once, then one when it is time', async () => {
    const { written, offerAt } = record();
    await offerAt(0, 1);
    await offerAt(50, 2);
    await offerAt(99, 3);
    await offerAt(100, 4);
    await offerAt(150, 5);
    expect(written).toEqual([1, 4]);
  });

  it('flushes the latest state once', async () => {
    const { written, checkpointer, offerAt } = record();
    await checkpointer.flush();
    await offerAt(0, 1);
    await offerAt(10, 2);
    await offerAt(20, 3);
    await checkpointer.flush();
    await checkpointer.flush();
    expect(written).toEqual([1, 3]);
  });

  it('keeps a state whose writing failed', async () => {
    let full = true;
    const written: number[] = [];
    const checkpointer = createThrottle<number>({
      everyMs: 0,
      async write(state) {
        if (full) throw new RangeError('disk full');
        written.push(state);
      },
    });
    await expect(checkpointer.offer(1)).rejects.toThrow('disk full');
    full = false;
    await checkpointer.flush();
    expect(written).toEqual([1]);
  });
});

import { describe, expect, it } from 'vitest';
import { tuneKnob } from './groups.js';

/** A policy that reaches nine tenths of the speed-up that it promises, and counts how often it is timed. */
function policy(promiseAt: (value: number) => number) {
  const timed: number[] = [];
  return {
    timed,
    promiseAt: async (value: number) => promiseAt(value),
    speedUpAt: async (value: number) => {
      timed.push(value);
      return 1 + 0.9 * (promiseAt(value) - 1);
    },
  };
}

describe('tuneKnob', () => {
  it('finds a threshold by its measured speed-up, not by what it promises', async () => {
    const { timed, ...given } = policy((threshold) => 1 + 4 * threshold);
    const knob = { setting: 'threshold', range: [0, 1] } as const;
    const { value, speedUp, isNear } = await tuneKnob({ knob, target: 1.9, ...given });
    expect(isNear).toBe(true);
    expect(Math.abs(speedUp / 1.9 - 1)).toBeLessThan(0.03);
    expect(value).toBeGreaterThan(0.225); // where 1.9 is promised
    expect(timed.length).toBeLessThanOrEqual(3);
  });

  it('takes the nearest of some values', async () => {
    const { timed: _, ...given } = policy((interval) => 1 + (interval - 1) / 2);
    const knob = { setting: 'interval', values: [2, 3, 4, 5] };
    expect((await tuneKnob({ knob, target: 1.9, ...given })).value).toBe(3);
    expect((await tuneKnob({ knob, target: 2.3, ...given })).value).toBe(4);
  });

  it('takes a range whose slow end is the larger number', async () => {
    const { timed: _, ...given } = policy((steps) => 20 / steps);
    const knob = { setting: 'steps', range: [20, 5] } as const;
    const { speedUp } = await tuneKnob({ knob, target: 2, ...given });
    expect(Math.abs(speedUp / 2 - 1)).toBeLessThan(0.03);
  });

  it('proposes whole numbers alone where a setting is one', async () => {
    const asked: number[] = [];
    const promiseAt = async (steps: number) => {
      asked.push(steps);
      return 20 / steps;
    };
    const knob = { setting: 'steps', range: [20, 5] } as const;
    const given = { knob, isInteger: true, promiseAt, speedUpAt: promiseAt };
    const found = await Promise.all(
      [1.06, 1.3, 1.6, 2, 3.9].map((target) => tuneKnob({ ...given, target })),
    );
    expect(found.map(({ value }) => value)).toEqual([19, 15, 13, 10, 5]);
    expect(asked.filter((steps) => !Number.isInteger(steps))).toEqual([]);
  });

  it('says when no value comes near, and which is nearest', async () => {
    const { timed: _, ...given } = policy((interval) => interval);
    const knob = { setting: 'interval', values: [2, 3] };
    const found = await tuneKnob({ knob, target: 1.3, ...given });
    expect(found).toEqual({ value: 2, speedUp: 1.9, isNear: false });
  });
});

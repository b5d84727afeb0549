import type { BackboneSpec } from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, describe, expect, it } from 'vitest';
import { savingsOf } from './row-speed.js';

const backbone = createTinyBackbone();
afterAll(() => backbone.dispose());
const { spec }: { readonly spec: BackboneSpec } = backbone;
const { begin, end, branches } = spec.macs;
const whole = begin + end + branches.reduce((sum, macs) => sum + macs, 0);

/** A step in which every branch is computed for this share of images. */
const step = (share: number) => branches.map(() => share);

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

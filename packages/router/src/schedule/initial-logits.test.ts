import { createRng, InvalidArgumentError } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { provenance } from '../__fixtures__/provenance.js';
import { randomSchedules } from '../__fixtures__/random-schedules.js';
import { constantLogits, logitsFromSchedule, normalLogits } from './initial-logits.js';
import { type StepMatrix, toSchedule } from './schedule.js';

const toRouter = (logits: StepMatrix) => ({
  version: 1 as const,
  kind: 'router' as const,
  steps: logits.length,
  branches: logits[0]?.length ?? 0,
  predictor: 'hold' as const,
  threshold: 0.1,
  logits,
  provenance,
});

describe('normalLogits', () => {
  it('draws each later row from the generator and fixes step 0', () => {
    const rng = createRng({ seed: 3 });
    const first = [...rng.fillNormal(new Float32Array(5))];
    const second = [...rng.fillNormal(new Float32Array(5))];
    const logits = normalLogits({ steps: 3, branches: 5, rng: createRng({ seed: 3 }) });
    expect(logits).toEqual([[5, 5, 5, 5, 5], first, second]);
  });

  it('is standard normal', () => {
    const rng = createRng({ seed: 11 });
    const values = normalLogits({ steps: 101, branches: 100, rng }).slice(1).flat();
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    // Four standard errors of 10,000 draws.
    expect(Math.abs(mean)).toBeLessThan(0.04);
    expect(Math.abs(variance - 1)).toBeLessThan(0.057);
  });
});

describe('constantLogits', () => {
  it('is one value after step 0', () => {
    expect(constantLogits({ steps: 2, branches: 3, value: -1.5 })).toEqual([
      [5, 5, 5],
      [-1.5, -1.5, -1.5],
    ]);
  });

  it('refuses NaN and empty sizes', () => {
    expect(() => constantLogits({ steps: 2, branches: 3, value: Number.NaN })).toThrow(
      InvalidArgumentError,
    );
    expect(() => constantLogits({ steps: 0, branches: 3, value: 1 })).toThrow(InvalidArgumentError);
    expect(() => constantLogits({ steps: 2, branches: 1.5, value: 1 })).toThrow(
      InvalidArgumentError,
    );
  });
});

describe('logitsFromSchedule', () => {
  it("thresholds back to the schedule at the paper's threshold", () => {
    fc.assert(
      fc.property(randomSchedules(), (schedule) => {
        const router = toRouter(logitsFromSchedule({ schedule }));
        expect(toSchedule(router).table).toEqual(schedule.table);
      }),
    );
  });

  it('refuses logits that would swap the decisions', () => {
    const schedule = toSchedule(toRouter([[5], [1]]));
    expect(() => logitsFromSchedule({ schedule, computed: -4 })).toThrow(InvalidArgumentError);
  });
});

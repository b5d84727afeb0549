import { InvalidArgumentError, parseCacheSchedule } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { provenance, router } from '../__fixtures__/provenance.js';
import { toSchedule } from './schedule.js';

describe('toSchedule', () => {
  it('computes where the score is above the threshold, and everywhere in step 0', () => {
    // sigmoid(-2.1) = 0.109, sigmoid(-2.3) = 0.091
    expect(toSchedule(router)).toEqual({
      version: 1,
      kind: 'cache-schedule',
      steps: 3,
      branches: 4,
      predictor: 'linear',
      table: ['1111', '0110', '1011'],
      provenance,
    });
  });

  it('takes another threshold', () => {
    expect(toSchedule(router, { threshold: 0.6 }).table).toEqual(['1111', '0000', '1010']);
  });

  it('predicts where the score equals the threshold', () => {
    const even = { ...router, steps: 2, branches: 1, logits: [[5], [0]] };
    expect(toSchedule(even, { threshold: 0.5 }).table).toEqual(['1', '0']);
  });

  it('makes a document that the format accepts', () => {
    const schedule = toSchedule(router);
    expect(parseCacheSchedule(JSON.stringify(schedule))).toEqual(schedule);
  });

  it.each([0, 1, -0.1, Number.NaN])('refuses a threshold of %d', (threshold) => {
    expect(() => toSchedule(router, { threshold })).toThrow(InvalidArgumentError);
  });
});

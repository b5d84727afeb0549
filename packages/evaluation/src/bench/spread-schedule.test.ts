import { describe, expect, it } from 'vitest';
import { spreadSchedule } from './sampling.js';

const predictedIn = (row: string) => [...row].filter((decision) => decision === '0').length;

describe('spreadSchedule', () => {
  it.each([0.25, 0.375, 0.5])('predicts %f of all calls, evenly', (fraction) => {
    const { table } = spreadSchedule({ steps: 8, branches: 56, fraction });
    const counts = table.map(predictedIn);
    expect(counts.reduce((a, b) => a + b)).toBe(fraction * 8 * 56);
    expect(counts[0]).toBe(0);
    const later = counts.slice(1);
    expect(Math.max(...later) - Math.min(...later)).toBeLessThanOrEqual(1);
  });

  it('predicts other branches from step to step, neighbours seldom', () => {
    const { table } = spreadSchedule({ steps: 4, branches: 8, fraction: 0.375 });
    expect(table).toEqual(['11111111', '01010101', '10101010', '01010101']);
  });

  it('can predict nothing, or all but the first step, and no more', () => {
    expect(spreadSchedule({ steps: 2, branches: 3, fraction: 0 }).table).toEqual(['111', '111']);
    expect(spreadSchedule({ steps: 2, branches: 3, fraction: 0.5 }).table).toEqual(['111', '000']);
    expect(() => spreadSchedule({ steps: 2, branches: 3, fraction: 0.9 })).toThrow(/from 0 to 0.5/);
  });
});

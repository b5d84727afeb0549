import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { provenance } from '../__fixtures__/provenance.js';
import { editSchedule, type ScheduleEdit } from './edit-schedule.js';
import { createSchedule, scheduleDecisions } from './schedule.js';

const schedule = createSchedule({
  decisions: scheduleDecisions({ table: ['1111', '0000', '1111', '0101'] }),
  predictor: 'linear',
});
const edited = (...edits: ScheduleEdit[]) => editSchedule({ schedule, edits });

describe('editSchedule', () => {
  it('sets ranges of steps and branches, the last edit last', () => {
    const result = edited(
      { steps: [2, 3], branches: [1, 2], become: 'predicted' },
      { steps: [3, 3], branches: [2, 3], become: 'computed' },
    );
    expect(result.table).toEqual(['1111', '0000', '1001', '0011']);
    expect(result.predictor).toBe('linear');
    expect(result.provenance).toBeUndefined();
  });

  it('means every step but the first, and every branch, by default', () => {
    expect(edited({ become: 'predicted' }).table).toEqual(['1111', '0000', '0000', '0000']);
    expect(edited({ branches: [0, 0], become: 'computed' }).table).toEqual([
      '1111',
      '1000',
      '1111',
      '1101',
    ]);
    expect(edited().table).toEqual(schedule.table);
  });

  it('writes down what was edited', () => {
    const made = { ...schedule, provenance: { ...provenance, training: { iterations: 5 } } };
    const once = editSchedule({ schedule: made, edits: [{ steps: [1, 1], become: 'computed' }] });
    const twice = editSchedule({ schedule: once, edits: [{ steps: [2, 2], become: 'predicted' }] });
    expect(twice.provenance?.training).toEqual({
      iterations: 5,
      edits: [
        { steps: [1, 1], branches: [0, 3], become: 'computed' },
        { steps: [2, 2], branches: [0, 3], become: 'predicted' },
      ],
    });
  });

  it.each<ScheduleEdit>([
    { steps: [0, 1], become: 'predicted' },
    { steps: [2, 1], become: 'computed' },
    { steps: [1, 4], become: 'computed' },
    { branches: [-1, 2], become: 'computed' },
    { branches: [0, 1.5], become: 'computed' },
  ])('refuses %o', (edit) => {
    expect(() => edited(edit)).toThrow(InvalidArgumentError);
  });
});

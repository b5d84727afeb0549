import { IncompatibleError, InvalidArgumentError, planFingerprint } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { branchesOf, specOf } from '../__fixtures__/branches.js';
import { eulerPlan } from '../__fixtures__/observed-run.js';
import { provenance } from '../__fixtures__/provenance.js';
import { randomSchedules } from '../__fixtures__/random-schedules.js';
import { resampleSchedule } from './edit-schedule.js';
import { createSchedule, scheduleDecisions } from './schedule.js';

const settingOf = (steps: number, blocks = 1) => ({
  spec: specOf(branchesOf(blocks)),
  modelSha256: 'c'.repeat(64),
  plan: eulerPlan(steps),
});
/** A plan with the given model times. */
const planAt = (times: readonly number[]) => ({
  ...eulerPlan(times.length),
  steps: eulerPlan(times.length).steps.map((step, i) => ({
    ...step,
    timestep: times[i] as number,
  })),
});
const scheduleOf = (first: string, second = first) =>
  createSchedule({
    decisions: Array.from(first, (character, step) => [character === '1', second[step] === '1']),
  });
const firstOf = (table: readonly string[]) => table.map((row) => row[0]).join('');

describe('resampleSchedule', () => {
  it('changes nothing when nothing changes, with and without the plan', () => {
    fc.assert(
      fc.property(randomSchedules({ branches: 4 }), (schedule) => {
        const to = settingOf(schedule.steps, 2);
        expect(resampleSchedule({ schedule, to }).table).toEqual(schedule.table);
        const same = resampleSchedule({ schedule, to, from: to.plan });
        expect(same.table).toEqual(schedule.table);
        expect(same.predictor).toEqual(schedule.predictor);
      }),
    );
  });

  it('keeps the fraction of computed steps, to within one, at any number of steps', () => {
    const steps = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(randomSchedules({ branches: 4 }), steps, (schedule, count) => {
        const { table } = resampleSchedule({ schedule, to: settingOf(count, 2) });
        const shareOf = (rows: readonly string[], branch: number) =>
          scheduleDecisions({ table: rows }).filter((row) => row[branch]).length / rows.length;
        for (let branch = 0; branch < 4; branch++) {
          const difference = shareOf(table, branch) - shareOf(schedule.table, branch);
          expect(difference).toBeGreaterThan(-1e-9);
          expect(difference).toBeLessThan(1 / count);
        }
        expect(table[0]).toBe('1111');
      }),
    );
  });

  it('leaves alternate steps alternate at half the number, and doubles runs at twice', () => {
    const schedule = scheduleOf('10101010', '11110000');
    const half = resampleSchedule({ schedule, to: settingOf(4) });
    expect(half.table).toEqual(['11', '01', '10', '00']);
    const twice = resampleSchedule({ schedule, to: settingOf(16) });
    expect(firstOf(twice.table)).toBe('1100110011001100');
  });

  it('matches steps by model time when it is told the plan', () => {
    const schedule = scheduleOf('11110000');
    const from = planAt([700, 600, 500, 400, 300, 200, 100, 0]);
    // Three of six steps lie above 550; the fourth, at 300, is where predictions begin.
    const plan = planAt([700, 690, 680, 300, 100, 0]);
    const moved = resampleSchedule({ schedule, from, to: { ...settingOf(6), plan } });
    expect(firstOf(moved.table)).toBe('111100');
    const byNumber = resampleSchedule({ schedule, to: { ...settingOf(6), plan } });
    expect(firstOf(byNumber.table)).toBe('111000');
  });

  it('takes the predictor of the nearest step', () => {
    const schedule = {
      ...scheduleOf('1010'),
      predictor: ['hold', 'linear', 'quadratic', 'hold'] as const,
    };
    const { predictor } = resampleSchedule({ schedule, to: settingOf(8) });
    expect(predictor).toEqual(
      ['hold', 'linear', 'quadratic', 'hold'].flatMap((name) => [name, name]),
    );
  });

  it('says that it was resampled, and from what', () => {
    const schedule = { ...scheduleOf('101'), provenance: { ...provenance, training: { beta: 1 } } };
    const to = settingOf(6);
    const moved = resampleSchedule({ schedule, to });
    expect(moved.provenance?.sampler).toEqual({
      name: 'euler',
      steps: 6,
      planSha256: planFingerprint(to.plan),
    });
    expect(moved.provenance?.training).toEqual({
      beta: 1,
      resampledFrom: { steps: 3, sampler: 'ddim', planSha256: 'b'.repeat(64) },
    });
    const plain = resampleSchedule({ schedule: scheduleOf('10'), to });
    expect(plain.provenance?.training).toEqual({ resampledFrom: { steps: 2 } });
  });

  it('refuses another model, another plan, and times without an order', () => {
    const schedule = scheduleOf('1010');
    expect(() => resampleSchedule({ schedule, to: settingOf(4, 3) })).toThrow(IncompatibleError);
    const other = { schedule, to: settingOf(4), from: eulerPlan(5) };
    expect(() => resampleSchedule(other)).toThrow(IncompatibleError);
    const unordered = { ...other, from: planAt([3, 2, 2, 1]) };
    expect(() => resampleSchedule(unordered)).toThrow(InvalidArgumentError);
  });
});

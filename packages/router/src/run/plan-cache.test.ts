import {
  type CachePredictor,
  type CacheSchedule,
  InvalidArgumentError,
  NonFiniteError,
} from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomSchedules } from '../__fixtures__/random-schedules.js';
import { predictorByName } from '../predictors.js';
import { planCache } from './plan-cache.js';

/** Everything that is read, by looking back from every prediction: `branch`, the step that reads, the step read. */
function allReads({ table, branches, predictor }: CacheSchedule) {
  const { depth } = predictorByName(predictor);
  const reads: { branch: number; at: number; source: number }[] = [];
  for (let branch = 0; branch < branches; branch++) {
    table.forEach((row, at) => {
      if (row[branch] === '1') return;
      let found = 0;
      for (let source = at - 1; source >= 0 && found < depth; source--) {
        if (table[source]?.[branch] !== '1') continue;
        reads.push({ branch, at, source });
        found += 1;
      }
    });
  }
  return reads;
}

describe('planCache', () => {
  it('reads what a backward search finds, with the coefficients of the predictor', () => {
    fc.assert(
      fc.property(randomSchedules(), (schedule) => {
        const { actions } = planCache({ schedule });
        const predictor = predictorByName(schedule.predictor);
        const planned = actions.flatMap((row, at) =>
          row.flatMap((action, branch) => {
            if (action.kind === 'compute') return [];
            expect(action.coefficients).toEqual(predictor.coefficients(at, action.sources));
            return action.sources.map((source) => ({ branch, at, source }));
          }),
        );
        const byPlace = (a: (typeof planned)[0], b: (typeof planned)[0]) =>
          a.branch - b.branch || a.at - b.at || b.source - a.source;
        expect(planned.sort(byPlace)).toEqual(allReads(schedule).sort(byPlace));
      }),
    );
  });

  it('decides as the schedule says', () => {
    fc.assert(
      fc.property(randomSchedules(), (schedule) => {
        const { actions } = planCache({ schedule });
        const table = actions.map((row) =>
          row.map(({ kind }) => (kind === 'compute' ? '1' : '0')).join(''),
        );
        expect(table).toEqual(schedule.table);
      }),
    );
  });

  it('keeps an output if and only if a later step reads it', () => {
    fc.assert(
      fc.property(randomSchedules(), (schedule) => {
        const { actions } = planCache({ schedule });
        const kept = actions.flatMap((row, step) =>
          row.flatMap((action, branch) =>
            action.kind === 'compute' && action.keep ? [`${branch}:${step}`] : [],
          ),
        );
        const read = new Set(allReads(schedule).map(({ branch, source }) => `${branch}:${source}`));
        expect(kept.sort()).toEqual([...read].sort());
      }),
    );
  });

  it('releases every kept output once, right after its last read, so nothing is read later', () => {
    fc.assert(
      fc.property(randomSchedules(), (schedule) => {
        const plan = planCache({ schedule });
        const reads = allReads(schedule);
        const held = new Set<string>();
        plan.actions.forEach((row, at) => {
          row.forEach((action, branch) => {
            if (action.kind === 'compute' && action.keep) held.add(`${branch}:${at}`);
            if (action.kind === 'compute') return;
            for (const source of action.sources) expect(held).toContain(`${branch}:${source}`);
          });
          for (const { branch, step } of plan.releases[at] ?? []) {
            expect(held.delete(`${branch}:${step}`)).toBe(true);
            const ofThis = reads.filter((read) => read.branch === branch && read.source === step);
            expect(Math.max(...ofThis.map((read) => read.at))).toBe(at);
          }
        });
        expect([...held]).toEqual([]);
      }),
    );
  });

  it('holds at its peak what is made by then and still to be read', () => {
    fc.assert(
      fc.property(randomSchedules(), (schedule) => {
        const reads = allReads(schedule);
        const heldAt = (step: number) =>
          new Set(
            reads
              .filter(({ source, at }) => source <= step && at >= step)
              .map(({ branch, source }) => `${branch}:${source}`),
          ).size;
        const peak = Math.max(...schedule.table.map((_, step) => heldAt(step)));
        expect(planCache({ schedule }).peakOutputs).toBe(peak);
      }),
    );
  });

  it('is plain data', () => {
    const schedule: CacheSchedule = {
      version: 1,
      kind: 'cache-schedule',
      steps: 4,
      branches: 2,
      predictor: 'linear',
      table: ['11', '11', '01', '11'],
    };
    const unread = { kind: 'compute', keep: false };
    const plan = planCache({ schedule });
    expect(JSON.parse(JSON.stringify(plan))).toEqual({
      steps: 4,
      branches: 2,
      predictor: 'linear',
      actions: [
        [{ kind: 'compute', keep: true }, unread],
        [{ kind: 'compute', keep: true }, unread],
        [{ kind: 'predict', sources: [1, 0], coefficients: [2, -1] }, unread],
        [unread, unread],
      ],
      releases: [
        [],
        [],
        [
          { branch: 0, step: 1 },
          { branch: 0, step: 0 },
        ],
        [],
      ],
      peakOutputs: 2,
    });
  });

  it('refuses a predictor whose coefficients do not fit or are not numbers', () => {
    const schedule: CacheSchedule = {
      version: 1,
      kind: 'cache-schedule',
      steps: 2,
      branches: 1,
      predictor: 'hold',
      table: ['1', '0'],
    };
    const broken = (coefficients: readonly number[]): CachePredictor => ({
      name: 'broken',
      depth: 1,
      coefficients: () => coefficients,
    });
    expect(() => planCache({ schedule, predictor: broken([]) })).toThrow(InvalidArgumentError);
    expect(() => planCache({ schedule, predictor: broken([Number.NaN]) })).toThrow(NonFiniteError);
  });
});

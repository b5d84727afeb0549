import {
  type CacheSchedule,
  type Decisions,
  InvalidArgumentError,
  type PredictorChoice,
  type Provenance,
} from '@harmonica/core';

/** Options of {@link createSchedule}. */
export interface CreateScheduleOptions {
  /** `[T][N]`: whether each branch of each step is computed. At least one step and one branch. */
  readonly decisions: readonly Decisions[];
  /** What stands in for a branch that is not computed. Default `hold`. */
  readonly predictor?: PredictorChoice | undefined;
  /** What the schedule was made for, if it was made for something. */
  readonly provenance?: Provenance | undefined;
}

/**
 * A schedule from its table of decisions, such as those that a run recorded.
 *
 * @throws {@link InvalidArgumentError} if the table is empty or ragged, or predicts a branch in step 0, when nothing
 * is cached yet.
 */
export function createSchedule(options: CreateScheduleOptions): CacheSchedule {
  const { decisions, predictor = 'hold', provenance } = options;
  const branches = decisions[0]?.length ?? 0;
  if (branches === 0 || decisions.some((row) => row.length !== branches)) {
    throw new InvalidArgumentError({
      argument: 'decisions',
      value: decisions.map((row) => row.length),
      expected: 'at least one row, all of one length of at least 1',
    });
  }
  if (decisions[0]?.includes(false)) {
    throw new InvalidArgumentError({
      argument: 'decisions[0]',
      value: toText(decisions[0]),
      expected: 'every branch computed in step 0, because nothing is cached before it',
    });
  }
  return {
    version: 1,
    kind: 'cache-schedule',
    steps: decisions.length,
    branches,
    predictor,
    table: decisions.map(toText),
    ...(provenance && { provenance }),
  };
}

/** The table of a schedule, `[T][N]`: whether each branch of each step is computed. */
export function scheduleDecisions({ table }: Pick<CacheSchedule, 'table'>): readonly Decisions[] {
  return table.map((row) => Array.from(row, (character) => character === '1'));
}

function toText(row: Decisions): string {
  return row.map((computed) => (computed ? '1' : '0')).join('');
}

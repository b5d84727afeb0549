import {
  assertArgument,
  type CachePredictor,
  type CacheSchedule,
  NonFiniteError,
} from '@harmonica/core';
import { predictorByName } from '../predictors.js';
import { scheduleDecisions } from '../schedule/schedule.js';
import type { CacheKey } from './caching-runner.js';

/** What happens to one branch in one step. */
export type PlannedAction =
  | {
      readonly kind: 'compute';
      /** Whether a later step reads the output. */
      readonly keep: boolean;
    }
  | {
      readonly kind: 'predict';
      /** Steps whose outputs of this branch are read, most recent first. */
      readonly sources: readonly number[];
      /** One factor for each source. */
      readonly coefficients: readonly number[];
    };

/** What a schedule means for memory and arithmetic, worked out before the first step. Plain data. */
export interface CachePlan {
  /** Sampling steps T. */
  readonly steps: number;
  /** Branches N. */
  readonly branches: number;
  readonly predictor: string;
  /** `[T][N]`. */
  readonly actions: readonly (readonly PlannedAction[])[];
  /** `[T]`: the outputs that no step after this one reads. */
  readonly releases: readonly (readonly CacheKey[])[];
  /** Most outputs held at once: at the end of a step, before its releases. */
  readonly peakOutputs: number;
}

/** A schedule to plan and run. */
export interface WithCacheOptions {
  readonly schedule: CacheSchedule;
  /** Default: the one that the schedule names. */
  readonly predictor?: CachePredictor;
}

/**
 * Works out a schedule's whole cache before the first step: what each prediction reads with which coefficients, and how long
 * each computed output lives. An output that no later step reads is never kept; a kept one is released after the last
 * step that reads it.
 *
 * @throws {@link InvalidArgumentError} if the predictor does not give one coefficient for each output.
 * @throws {@link NonFiniteError} if a coefficient is NaN or infinite.
 */
export function planCache(options: WithCacheOptions): CachePlan {
  const { schedule, predictor = predictorByName(options.schedule.predictor) } = options;
  const decisions = scheduleDecisions(schedule);
  const columns = Array.from({ length: schedule.branches }, (_, branch) =>
    planBranch({ computed: decisions.map((row) => row[branch] === true), predictor }),
  );
  const actions = decisions.map((_, step) =>
    columns.map((column) => column.actions[step] as PlannedAction),
  );
  const releases = decisions.map((_, step) =>
    columns.flatMap(({ lastReads }, branch) =>
      [...lastReads]
        .filter(([, lastRead]) => lastRead === step)
        .map(([source]) => ({ branch, step: source })),
    ),
  );
  return {
    steps: schedule.steps,
    branches: schedule.branches,
    predictor: predictor.name,
    actions,
    releases,
    peakOutputs: peakOutputs({ actions, releases }),
  };
}

interface BranchPlan {
  readonly actions: readonly PlannedAction[];
  /** For each step whose output is read, the last step that reads it. */
  readonly lastReads: ReadonlyMap<number, number>;
}

function planBranch(options: {
  readonly computed: readonly boolean[];
  readonly predictor: CachePredictor;
}): BranchPlan {
  const { computed, predictor } = options;
  const lastReads = new Map<number, number>();
  let history: readonly number[] = [];
  const predictions = computed.map((isComputed, step) => {
    if (isComputed) {
      history = [step, ...history].slice(0, predictor.depth);
      return undefined;
    }
    const all = checkedCoefficients({ predictor, step, computed: history });
    // An output with coefficient 0 is not read, so it need not be held for it.
    const sources = history.filter((_, i) => all[i] !== 0);
    const coefficients = all.filter((coefficient) => coefficient !== 0);
    for (const source of sources) lastReads.set(source, step);
    return { kind: 'predict' as const, sources, coefficients };
  });
  const actions = predictions.map(
    (prediction, step) => prediction ?? { kind: 'compute' as const, keep: lastReads.has(step) },
  );
  return { actions, lastReads };
}

/**
 * The coefficients of a predictor, checked.
 *
 * @throws as {@link planCache}.
 * @internal
 */
export function checkedCoefficients(options: {
  readonly predictor: CachePredictor;
  readonly step: number;
  readonly computed: readonly number[];
}): readonly number[] {
  const { predictor, step, computed } = options;
  const coefficients = predictor.coefficients(step, computed);
  assertArgument(
    { [`coefficients of predictor ${predictor.name}`]: coefficients },
    `one coefficient for each of the steps ${computed.join(', ')}`,
    coefficients.length === computed.length,
  );
  if (!coefficients.every(Number.isFinite)) {
    throw new NonFiniteError({ site: `A coefficient of predictor ${predictor.name}`, step });
  }
  return coefficients;
}

function peakOutputs({ actions, releases }: Pick<CachePlan, 'actions' | 'releases'>): number {
  let held = 0;
  let peak = 0;
  actions.forEach((row, step) => {
    held += row.filter((action) => action.kind === 'compute' && action.keep).length;
    peak = Math.max(peak, held);
    held -= releases[step]?.length ?? 0;
  });
  return peak;
}

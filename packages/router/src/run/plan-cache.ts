import {
  assertCount,
  type BackboneSpec,
  type CachePredictor,
  type CacheSchedule,
  InvalidArgumentError,
  NonFiniteError,
} from '@harmonica/core';
import { predictorByName } from '../predictors.js';
import { scheduleDecisions } from '../schedule/schedule.js';

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
      readonly weights: readonly number[];
    };

/** A branch output that is held from the step that computed it. */
export interface CachedOutput {
  readonly branch: number;
  /** The step that computed it. */
  readonly step: number;
}

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
  readonly releases: readonly (readonly CachedOutput[])[];
  /** Most outputs held at once: at the end of a step, before its releases. */
  readonly peakOutputs: number;
}

/** Options of {@link planCache}. */
export interface PlanCacheOptions {
  readonly schedule: CacheSchedule;
  /** Default: the one that the schedule names. */
  readonly predictor?: CachePredictor;
}

/**
 * Works out a schedule's whole cache before the first step: what each prediction reads with which weights, and how long
 * each computed output lives. An output that no later step reads is never kept; a kept one is released after the last
 * step that reads it.
 *
 * @throws {@link InvalidArgumentError} if the predictor does not give one weight for each output.
 * @throws {@link NonFiniteError} if a weight is NaN or infinite.
 */
export function planCache(options: PlanCacheOptions): CachePlan {
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

/**
 * Most memory that the cached outputs of a run take at once, in bytes: float32 `[batch, L, D]` each.
 *
 * @param options `batch` counts both halves under guidance.
 * @throws {@link InvalidArgumentError} if `batch` is not an integer of at least 1.
 */
export function peakCacheBytes(options: {
  readonly plan: CachePlan;
  readonly spec: BackboneSpec;
  readonly batch: number;
}): number {
  const { plan, spec, batch } = options;
  assertCount({ argument: 'batch', value: batch });
  return plan.peakOutputs * batch * spec.tokens.count * spec.tokens.width * 4;
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
    const all = checkedWeights({ predictor, step, computed: history });
    // An output with weight 0 is not read, so it need not be held for it.
    const sources = history.filter((_, i) => all[i] !== 0);
    const weights = all.filter((weight) => weight !== 0);
    for (const source of sources) lastReads.set(source, step);
    return { kind: 'predict' as const, sources, weights };
  });
  const actions = predictions.map(
    (prediction, step) => prediction ?? { kind: 'compute' as const, keep: lastReads.has(step) },
  );
  return { actions, lastReads };
}

/**
 * The weights of a predictor, checked.
 *
 * @throws as {@link planCache}.
 * @internal
 */
export function checkedWeights(options: {
  readonly predictor: CachePredictor;
  readonly step: number;
  readonly computed: readonly number[];
}): readonly number[] {
  const { predictor, step, computed } = options;
  const weights = predictor.weights(step, computed);
  if (weights.length !== computed.length) {
    throw new InvalidArgumentError({
      argument: `weights of predictor ${predictor.name}`,
      value: weights,
      expected: `one weight for each of the steps ${computed.join(', ')}`,
    });
  }
  if (!weights.every(Number.isFinite)) {
    throw new NonFiniteError({ site: `A weight of predictor ${predictor.name}`, step });
  }
  return weights;
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

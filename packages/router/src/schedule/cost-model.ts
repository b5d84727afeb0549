import {
  assertArgument,
  type BackboneSpec,
  type Branch,
  type BranchKind,
  type CacheSchedule,
  IncompatibleError,
} from '@harmonica/core';
import { scheduleDecisions } from './schedule.js';

/** What one model call is made of, in multiply-accumulate operations (MACs) of one sample or in milliseconds. */
export interface CostModel {
  readonly unit: 'macs' | 'ms';
  /** Embeddings and modulation, once a step. */
  readonly begin: number;
  /** `[N]`: each branch when it is computed. */
  readonly branches: readonly number[];
  /** Any branch when it is predicted. */
  readonly predict: number;
  /** Final layer, once a step. */
  readonly end: number;
}

/** Costs by the backbone's own count of MACs. Predicting a branch counts as free. */
export function macsCostModel({ macs }: Pick<BackboneSpec, 'macs'>): CostModel {
  return { unit: 'macs', begin: macs.begin, branches: macs.branches, predict: 0, end: macs.end };
}

/** Options of {@link scheduleCost} and {@link theoreticalSpeedUp}. */
export interface ScheduleCostOptions {
  readonly schedule: CacheSchedule;
  readonly cost: CostModel;
}

/**
 * What all T model calls of a run cost, in the unit of the cost model.
 *
 * @throws {@link IncompatibleError} if the cost model has another number of branches.
 */
export function scheduleCost({ schedule, cost }: ScheduleCostOptions): number {
  if (schedule.branches !== cost.branches.length) {
    throw new IncompatibleError({
      what: "The schedule's number of branches",
      actual: schedule.branches,
      expected: cost.branches.length,
      fix: 'Use the costs of the model that the schedule was made for.',
    });
  }
  const fractions = scheduleDecisions(schedule).map((row) => row.map(Number));
  return sum(fractions.map((row) => stepCost(row, cost)));
}

/**
 * What one model call costs, `begin` and `end` included, in the unit of the cost model.
 *
 * @param fractions `[N]`: for which fraction of the images each branch is computed, in [0, 1]
 */
export function stepCost(fractions: readonly number[], cost: CostModel): number {
  const calls = fractions.map(
    (fraction, branch) =>
      fraction * (cost.branches[branch] as number) + (1 - fraction) * cost.predict,
  );
  return cost.begin + cost.end + sum(calls);
}

/**
 * How many times less a schedule costs than computing everything, `begin` and `end` included: the speed-up that a run
 * can reach at best.
 *
 * @throws as {@link scheduleCost}.
 */
export function theoreticalSpeedUp({ schedule, cost }: ScheduleCostOptions): number {
  const full = schedule.steps * (cost.begin + sum(cost.branches) + cost.end);
  return full / scheduleCost({ schedule, cost });
}

/**
 * Relative cost of each branch, scaled to a mean of 1, so that a penalty weighted with them keeps its size:
 * `w[k] = cost[k] / mean(cost)`.
 *
 * @returns `[N]`
 * @throws {@link InvalidArgumentError} if there is no branch, or a cost is not positive and finite.
 */
export function branchCostWeights({ branches }: Pick<CostModel, 'branches'>): readonly number[] {
  assertArgument(
    { branches },
    'at least one cost, all positive and finite',
    branches.length > 0 && branches.every((cost) => Number.isFinite(cost) && cost > 0),
  );
  const mean = sum(branches) / branches.length;
  return branches.map((cost) => cost / mean);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** How many of a set of branch calls are predicted instead of computed. */
export interface Utilization {
  /** Branch calls that are predicted from the cache. */
  readonly reused: number;
  /** All branch calls. */
  readonly total: number;
  /** Cache utilization ratio (CUR): `reused / total`, in [0, 1). */
  readonly ratio: number;
}

/** What {@link cacheStatistics} counts. */
export interface CacheStatistics {
  /** Over all `T * N` branch calls: the CUR of the paper. */
  readonly all: Utilization;
  /** By kind, for the kinds that the model has. */
  readonly byKind: { readonly [Kind in BranchKind]?: Utilization };
  /** `[T]` */
  readonly byStep: readonly Utilization[];
  /** `[N]` */
  readonly byBranch: readonly Utilization[];
}

/**
 * Counts what a schedule reuses, in all, by kind of branch, by step and by branch.
 *
 * @param options `branches` is `spec.branches` of the backbone.
 * @throws {@link IncompatibleError} if the model has another number of branches.
 */
export function cacheStatistics(options: {
  readonly schedule: CacheSchedule;
  readonly branches: readonly Branch[];
}): CacheStatistics {
  const { schedule, branches } = options;
  if (schedule.branches !== branches.length) {
    throw new IncompatibleError({
      what: "The schedule's number of branches",
      actual: schedule.branches,
      expected: branches.length,
      fix: 'Give the branches of the model that the schedule was made for.',
    });
  }
  const rows = scheduleDecisions(schedule);
  const columns = branches.map((_, branch) => rows.map((row) => row[branch] === true));
  const kinds = [...new Set(branches.map(({ kind }) => kind))];
  const ofKind = (kind: BranchKind) => columns.filter((_, i) => branches[i]?.kind === kind).flat();
  return {
    all: count(rows.flat()),
    byKind: Object.fromEntries(kinds.map((kind) => [kind, count(ofKind(kind))])),
    byStep: rows.map(count),
    byBranch: columns.map(count),
  };
}

function count(computed: readonly boolean[]): Utilization {
  const reused = computed.filter((isComputed) => !isComputed).length;
  return { reused, total: computed.length, ratio: reused / computed.length };
}

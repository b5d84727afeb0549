import {
  type Branch,
  type BranchKind,
  type CacheSchedule,
  IncompatibleError,
} from '@harmonica/core';
import { scheduleDecisions } from './schedule-table.js';

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

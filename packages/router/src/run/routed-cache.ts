import {
  assertArgument,
  type BranchAction,
  type CachePredictor,
  computeAction,
  type Executor,
  type ValueHandle,
} from '@harmonica/core';

/** A cached branch output, shared by every cache state that holds it. */
export interface RoutedOutput {
  /** The step that computed it. */
  readonly step: number;
  readonly value: ValueHandle;
  /** Caches that hold it. */
  users: number;
}

/**
 * The cached outputs of every branch, most recent first. Immutable: each step makes a new cache that shares what has
 * not changed, so a run can be continued from any point in several ways. Free each with {@link releaseCache}.
 */
export type RoutedCache = readonly (readonly RoutedOutput[])[];

/** A cache with nothing in it, as before the first step. */
export function emptyCache(branches: number): RoutedCache {
  return Array.from({ length: branches }, () => []);
}

/** Options of {@link routedActions}. */
export interface RoutedActionsOptions {
  readonly cache: RoutedCache;
  readonly predictor: CachePredictor;
  readonly step: number;
  /** One score in [0, 1] for each branch. */
  readonly scores: readonly number[];
  /** A branch's output replaces what is cached if its score is above this. In [0, 1]; at 1 no blended output does. */
  readonly threshold: number;
}

/**
 * What to do with every branch of a step. A branch with nothing cached is computed, whatever its score.
 *
 * @throws {@link InvalidArgumentError} if there is not one score for each branch
 */
export function routedActions(options: RoutedActionsOptions): BranchAction[] {
  const { cache, predictor, step, scores, threshold } = options;
  const expected = `${cache.length} scores, one for each branch`;
  assertArgument({ scores }, expected, scores.length === cache.length);
  return cache.map((entries, branch) => {
    const score = scores[branch] as number;
    if (entries.length === 0 || score === 1) return computeAction(branch, true);
    const coefficients = predictor.coefficients(
      step,
      entries.map((entry) => entry.step),
    );
    // A predictor may look less far back in this step than the cache reaches.
    const read = entries.filter((_, i) => (coefficients[i] ?? 0) !== 0);
    return {
      branch,
      score,
      history: read.map((entry) => entry.value),
      coefficients: coefficients.filter((coefficient) => coefficient !== 0),
      keep: score > threshold,
    };
  });
}

/** Options of {@link updateCache}. */
export interface UpdateCacheOptions {
  readonly cache: RoutedCache;
  readonly step: number;
  /** For each branch its new output, or undefined where what is cached stays. Taken over by the new cache. */
  readonly outputs: readonly (ValueHandle | undefined)[];
  /** How many outputs of a branch are kept. */
  readonly depth: number;
}

/** The cache after a step. The given cache stays valid. */
export function updateCache({ cache, step, outputs, depth }: UpdateCacheOptions): RoutedCache {
  return cache.map((entries, branch) => {
    const value = outputs[branch];
    const kept = value ? entries.slice(0, depth - 1) : entries;
    for (const entry of kept) entry.users += 1;
    return value ? [{ step, value, users: 1 }, ...kept] : kept;
  });
}

/** Gives up a cache; outputs that no other cache holds are released. */
export function releaseCache(executor: Executor, cache: RoutedCache): void {
  for (const entry of cache.flat()) {
    entry.users -= 1;
    if (entry.users === 0) executor.release(entry.value);
  }
}

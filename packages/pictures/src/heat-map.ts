import {
  type Branch,
  type BranchKind,
  type CacheSchedule,
  IncompatibleError,
  InvalidArgumentError,
  type RouterFile,
} from '@harmonica/core';
import {
  cacheStatistics,
  routerScores,
  type StepMatrix,
  scheduleDecisions,
  toSchedule,
} from '@harmonica/router';

/** All branches of one kind. */
export interface HeatMapPanel {
  readonly kind: BranchKind;
  /** One row for each block that has such a branch. */
  readonly rows: readonly {
    readonly block: number;
    /** `[T]`, each in [0, 1]: 1 is computed, 0 is predicted. */
    readonly values: readonly number[];
  }[];
}

/** What a heat map shows; how it looks is up to the renderers. */
export interface HeatMap {
  readonly title: string;
  /** Whether values are scores or decisions, which are 0 or 1. */
  readonly scale: 'score' | 'decision';
  /** Score above which a branch is computed, if there is one. */
  readonly threshold?: number | undefined;
  /** Sampling steps T. */
  readonly steps: number;
  readonly panels: readonly HeatMapPanel[];
}

/** Options of {@link heatMapOf}. */
export interface HeatMapOptions {
  /** A router shows its scores, a schedule its decisions. */
  readonly document: RouterFile | CacheSchedule;
  /** `spec.branches` of the backbone. */
  readonly branches: readonly Branch[];
  /** Default: model, sampler, steps, predictor and cache utilization ratio. */
  readonly title?: string;
}

/**
 * The heat map of a router or schedule: a panel for each kind of branch, steps from left to right, blocks from top to
 * bottom.
 *
 * @throws {@link IncompatibleError} if the model has another number of branches.
 */
export function heatMapOf(options: HeatMapOptions): HeatMap {
  const { document, branches } = options;
  const schedule = document.kind === 'router' ? toSchedule(document) : document;
  const { title = defaultTitle(schedule, branches) } = options;
  if (document.kind === 'router') {
    const { threshold } = document;
    return heatMapOfScores({ scores: routerScores(document), branches, title, threshold });
  }
  const scores = scheduleDecisions(document).map((row) => row.map(Number));
  return { ...heatMapOfScores({ scores, branches, title }), scale: 'decision' };
}

/** Options of {@link heatMapOfScores}. */
export interface HeatMapOfScoresOptions {
  /** `[T][N]`, each in [0, 1]. */
  readonly scores: StepMatrix;
  /** `spec.branches` of the backbone. */
  readonly branches: readonly Branch[];
  readonly title: string;
  /** Marked on the colour bar. */
  readonly threshold?: number | undefined;
}

/**
 * The heat map of scores that are not in a file, such as those of a router in training.
 *
 * @throws {@link IncompatibleError} if a row has not one score for each branch.
 * @throws {@link InvalidArgumentError} if there is no step or a score is not in [0, 1].
 */
export function heatMapOfScores(options: HeatMapOfScoresOptions): HeatMap {
  const { scores, branches, title, threshold } = options;
  assertScores(scores, branches);
  const kinds = [...new Set(branches.map(({ kind }) => kind))];
  const panels = kinds.map((kind) => ({
    kind,
    rows: branches
      .filter((branch) => branch.kind === kind)
      .map(({ block, index }) => ({ block, values: scores.map((row) => row[index] as number) })),
  }));
  return { title, scale: 'score', threshold, steps: scores.length, panels };
}

function assertScores(scores: StepMatrix, branches: readonly Branch[]): void {
  const misfit = scores.find((row) => row.length !== branches.length);
  if (misfit) {
    throw new IncompatibleError({
      what: 'The number of scores in a step',
      actual: misfit.length,
      expected: branches.length,
      fix: 'Give the branches of the model that the scores were made for.',
    });
  }
  const outside = scores.flat().find((score) => !(score >= 0 && score <= 1));
  if (scores.length === 0 || outside !== undefined) {
    throw new InvalidArgumentError({
      argument: 'scores',
      value: outside ?? scores,
      expected: 'at least one row of numbers in [0, 1]',
    });
  }
}

function defaultTitle(schedule: CacheSchedule, branches: readonly Branch[]): string {
  const { steps, predictor, provenance } = schedule;
  const { ratio } = cacheStatistics({ schedule, branches }).all;
  const origin = provenance
    ? [provenance.model.name, `${provenance.sampler.name}, ${steps} steps`]
    : [`${steps} steps`];
  const predictors = typeof predictor === 'string' ? predictor : 'a predictor per step';
  return [...origin, predictors, `CUR ${(100 * ratio).toFixed(1)} %`].join(' \u00b7 ');
}

/** A score for people: at most three decimals, none that say nothing. */
export function roundedScore(score: number): string {
  return String(Number(score.toFixed(3)));
}

import {
  assertArgument,
  type Branch,
  type CacheSchedule,
  type Decisions,
  type PredictorChoice,
  type Provenance,
  type RouterFile,
} from '@harmonica/core';

/** What a schedule holds beside its decisions. */
export interface ScheduleDetails {
  /** What stands in for a branch that is not computed. Default `hold`. */
  readonly predictor?: PredictorChoice | undefined;
  /** What the schedule was made for, if it was made for something. */
  readonly provenance?: Provenance | undefined;
}

/** Options of {@link createSchedule}. */
export interface CreateScheduleOptions extends ScheduleDetails {
  /** `[T][N]`: whether each branch of each step is computed. At least one step and one branch. */
  readonly decisions: readonly Decisions[];
}

/**
 * A schedule from its table of decisions, such as those that a run recorded.
 *
 * @throws {@link InvalidArgumentError} if the table is empty or ragged, or predicts a branch in step 0, when nothing
 * is cached yet.
 */
export function createSchedule(options: CreateScheduleOptions): CacheSchedule {
  const { decisions, predictor = 'hold', provenance } = options;
  const [first = []] = decisions;
  const branches = first.length;
  assertArgument(
    { decisions: decisions.map((row) => row.length) },
    'at least one row, all of one length of at least 1',
    branches > 0 && decisions.every((row) => row.length === branches),
  );
  assertArgument(
    { 'decisions[0]': toText(first) },
    'every branch computed in step 0, because nothing is cached before it',
    !first.includes(false),
  );
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

/** Options of {@link toSchedule}. */
export interface ToScheduleOptions {
  /** Score above which a branch is computed, in (0, 1). Default: the router's own. */
  readonly threshold?: number;
}

/**
 * The decisions of a router: a branch is computed where its score is above the threshold, and everywhere in step 0.
 * Keeps the router's predictor and provenance.
 *
 * @throws {@link InvalidArgumentError} if the threshold is not in (0, 1).
 */
export function toSchedule(router: RouterFile, options: ToScheduleOptions = {}): CacheSchedule {
  const { threshold = router.threshold } = options;
  const isBetween = threshold > 0 && threshold < 1;
  assertArgument({ threshold }, 'a number between 0 and 1, both excluded', isBetween);
  const { predictor, provenance } = router;
  const decisions = routerScores(router).map((row, step) =>
    row.map((score) => step === 0 || score > threshold),
  );
  return createSchedule({ decisions, predictor, provenance });
}

/** Logits or scores of a router, `[T][N]`: a row per step (row 0 is executed first), a column per branch. */
export type StepMatrix = readonly (readonly number[])[];

/**
 * The scores s = sigmoid(logit) of a router, each in (0, 1): 1 computes a branch, 0 predicts it, and training blends
 * the two in proportion (HarmoniCa, 2024).
 *
 * @returns `[T][N]`
 */
export function routerScores({ logits }: Pick<RouterFile, 'logits'>): StepMatrix {
  return logits.map((row) => row.map(sigmoid));
}

/** `1 / (1 + exp(-x))`. */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Which branches are decided together: all of the model, those of a kind, or each for itself. */
export type Granularity = 'model' | 'kind' | 'branch';

/** All of them. */
export const GRANULARITIES = ['model', 'kind', 'branch'] as const satisfies readonly Granularity[];

/**
 * The mean of a quantity over the branches that are decided together, handed to all of them.
 *
 * @param options `values` `[rows][N]`.
 * @returns for each branch its column, `[N][rows]`; branches of one group have equal columns.
 * @internal
 */
export function groupMeans(options: {
  readonly values: readonly (readonly number[])[];
  readonly branches: readonly Branch[];
  readonly per: Granularity;
}): readonly (readonly number[])[] {
  const { values, branches, per } = options;
  const groupOf = ({ kind, index }: Branch) => ({ model: '', kind, branch: String(index) })[per];
  const columns = new Map<string, readonly number[]>();
  for (const branch of branches) {
    const group = groupOf(branch);
    if (columns.has(group)) continue;
    const members = branches.filter((other) => groupOf(other) === group);
    const mean = (row: readonly number[]) =>
      members.reduce((sum, { index }) => sum + (row[index] as number), 0) / members.length;
    columns.set(group, values.map(mean));
  }
  return branches.map((branch) => columns.get(groupOf(branch)) as readonly number[]);
}

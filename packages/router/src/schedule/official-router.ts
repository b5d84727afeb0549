import {
  assertArgument,
  CheckpointError,
  InvalidArgumentError,
  type Provenance,
  type RouterFile,
} from '@harmonica/core';
import { FIRST_STEP_LOGIT } from './initial-logits.js';
import { type StepMatrix, toSchedule } from './schedule.js';

/** Which project's checkpoint a router comes from. */
export type OfficialRouterFormat = 'harmonica' | 'learning-to-cache';

/** Options of {@link importOfficialRouter}. */
export interface ImportOfficialRouterOptions {
  readonly format: OfficialRouterFormat;
  /** `[T][N]` as stored: row T - 1 is executed first, row 0 last. See {@link officialRouterRows}. */
  readonly rows: StepMatrix;
  /** Score above which a branch is computed, in (0, 0.99). Default 0.1, as both papers sample. */
  readonly threshold?: number;
  readonly provenance: Provenance;
}

/**
 * A router of the official HarmoniCa or Learning-to-Cache code as a router of ours, with the decisions that the
 * official code makes at inference.
 *
 * Both count steps down, so their last row becomes our row 0. HarmoniCa computes everything in that row, with a logit
 * of 5. Learning-to-Cache computes everything in every odd row, whatever the checkpoint has there (those rows are never
 * trained), and reuses outputs of the step before in even rows.
 *
 * @throws {@link InvalidArgumentError} if the rows are empty, ragged or not finite, their number is odd for
 * Learning-to-Cache, or the threshold is outside its range.
 */
export function importOfficialRouter(options: ImportOfficialRouterOptions): RouterFile {
  const { format, rows, threshold = 0.1, provenance } = options;
  assertRows(rows, format);
  assertArgument(
    { threshold },
    `a number in (0, 0.99), below the score of a logit of ${FIRST_STEP_LOGIT}`,
    threshold > 0 && threshold < 0.99,
  );
  const steps = rows.length;
  const logits = rows.toReversed().map((row, step) => {
    const officialIndex = steps - 1 - step;
    const full = step === 0 || (format === 'learning-to-cache' && officialIndex % 2 === 1);
    return full ? row.map(() => FIRST_STEP_LOGIT) : [...row];
  });
  return {
    version: 1,
    kind: 'router',
    steps,
    branches: logits[0]?.length ?? 0,
    predictor: 'hold',
    threshold,
    logits,
    provenance,
  };
}

/**
 * The rows of an official checkpoint from its tensors, which are named `0.prob`, `1.prob`, ... `{T-1}.prob`, alone or
 * behind one common prefix such as `routers.`.
 *
 * @param options `tensors` by name; other names are ignored. `path` is the file, for messages.
 * @returns `[T][N]`, in the order of the checkpoint.
 * @throws {@link CheckpointError} if no tensor has such a name, a step is missing or there twice, or lengths differ.
 */
export function officialRouterRows(options: {
  readonly tensors: ReadonlyMap<string, ArrayLike<number>>;
  readonly path: string;
}): StepMatrix {
  const { tensors, path } = options;
  const rows = new Map<number, readonly number[]>();
  for (const [name, values] of tensors) {
    const index = /(?:^|\.)(\d+)\.prob$/.exec(name)?.[1];
    if (index === undefined) continue;
    if (rows.has(Number(index))) {
      throw new CheckpointError({ path, key: name, problem: 'is a second router of this step' });
    }
    rows.set(Number(index), Array.from(values));
  }
  if (rows.size === 0) {
    throw new CheckpointError({
      path,
      problem: 'has no tensor named 0.prob, 1.prob, ...',
      fix: 'Give a router checkpoint of HarmoniCa or Learning-to-Cache.',
    });
  }
  return Array.from({ length: rows.size }, (_, index) => {
    const row = rows.get(index);
    const length = rows.get(0)?.length;
    if (row && row.length === length) return row;
    const problem = row ? `has ${row.length} logits; expected ${length}` : 'is missing';
    throw new CheckpointError({ path, key: `${index}.prob`, problem });
  });
}

function assertRows(rows: StepMatrix, format: OfficialRouterFormat): void {
  const width = rows[0]?.length ?? 0;
  const sound = rows.every((row) => row.length === width && row.every(Number.isFinite));
  assertArgument(
    { rows: rows.map((row) => row.length) },
    'at least one row, all of one length of at least 1, of finite logits',
    width > 0 && sound,
  );
  assertArgument(
    { rows: rows.length },
    'an even number of steps, because Learning-to-Cache works on pairs of steps',
    format !== 'learning-to-cache' || rows.length % 2 === 0,
    "The format 'harmonica' takes any number; import a router as what it is.",
  );
}

/** Options of {@link exportOfficialRouter}. */
export interface ExportOfficialRouterOptions {
  readonly format: OfficialRouterFormat;
  /** Its threshold is not part of an official checkpoint: the official code is told it when it samples. */
  readonly router: RouterFile;
}

/**
 * A router as the tensors of a checkpoint of the official HarmoniCa or Learning-to-Cache code, which then decides as the
 * router does: the inverse of {@link importOfficialRouter}, with logits in float32 and those of step 0 at
 * {@link FIRST_STEP_LOGIT}.
 *
 * @returns logits of `branches` each by name, `0.prob` (the step executed last) to `{T-1}.prob`; official checkpoints hold
 * them in a dict `routers`
 * @throws {@link InvalidArgumentError} if the router predicts by anything but `hold`, its threshold is 0.99 or more, or the
 * official code would decide differently: Learning-to-Cache takes an even number of steps and computes everything in steps
 * 0, 2, 4, ...
 */
export function exportOfficialRouter(
  options: ExportOfficialRouterOptions,
): ReadonlyMap<string, Float32Array> {
  const { format, router } = options;
  assertArgument(
    { 'router.predictor': router.predictor },
    'hold, the only one that the official code has',
    [router.predictor].flat().every((name) => name === 'hold'),
  );
  const rows = router.logits
    .map((row, step) => Float32Array.from(row, (logit) => (step === 0 ? FIRST_STEP_LOGIT : logit)))
    .reverse();
  const { threshold, provenance } = router;
  const stored = rows.map((row) => Array.from(row));
  const official = importOfficialRouter({ format, rows: stored, threshold, provenance });
  assertSameDecisions({ format, router, official });
  return new Map(rows.map((row, index) => [`${index}.prob`, row]));
}

function assertSameDecisions(options: {
  readonly format: OfficialRouterFormat;
  readonly router: RouterFile;
  readonly official: RouterFile;
}): void {
  const { format, router, official } = options;
  const { table } = toSchedule(official);
  for (const [step, row] of toSchedule(router).table.entries()) {
    const branch = [...row].findIndex((decision, index) => decision !== table[step]?.[index]);
    if (branch < 0) continue;
    const isFull = format === 'learning-to-cache' && step % 2 === 0;
    throw new InvalidArgumentError({
      argument: 'router',
      value: `one that decides branch ${branch} of step ${step} in a way that the file cannot hold`,
      expected: isFull
        ? 'everything computed in steps 0, 2, 4, ..., as Learning-to-Cache does'
        : 'logits that float32 keeps on their side of the threshold',
    });
  }
}

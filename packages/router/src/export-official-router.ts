import { InvalidArgumentError, type RouterFile } from '@harmonica/core';
import { FIRST_STEP_LOGIT } from './initial-logits.js';
import { importOfficialRouter, type OfficialRouterFormat } from './official-router.js';
import { toSchedule } from './to-schedule.js';

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
  assertHold(router);
  const rows = router.logits
    .map((row, step) => Float32Array.from(row, (logit) => (step === 0 ? FIRST_STEP_LOGIT : logit)))
    .reverse();
  const { threshold, provenance } = router;
  const stored = rows.map((row) => Array.from(row));
  const official = importOfficialRouter({ format, rows: stored, threshold, provenance });
  assertSameDecisions({ format, router, official });
  return new Map(rows.map((row, index) => [`${index}.prob`, row]));
}

function assertHold({ predictor }: RouterFile): void {
  if ([predictor].flat().every((name) => name === 'hold')) return;
  throw new InvalidArgumentError({
    argument: 'router.predictor',
    value: predictor,
    expected: 'hold, the only one that the official code has',
  });
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

import {
  type BackboneSpec,
  type CacheSchedule,
  IncompatibleError,
  type Provenance,
  type RouterFile,
} from '@harmonica/core';
import type { CalibrationHeader } from '../calibration/calibration.js';
import { createProvenance, type RunSetting } from './provenance.js';

/** Size and origin, which routers, schedules and calibrations share. */
export type CacheDocument = Pick<
  RouterFile | CacheSchedule | CalibrationHeader,
  'kind' | 'steps' | 'branches' | 'provenance'
>;

/**
 * Checks that a router, schedule or calibration was made for a run: the number of branches and steps and, where the document
 * states its provenance, the model, latent size, sampler plan and guidance.
 *
 * A schedule without provenance (a fixed interval) fits every run of its size.
 *
 * @throws {@link IncompatibleError} that names the first difference and says what to do.
 */
export function assertCompatible(document: CacheDocument, setting: RunSetting): void {
  const { spec, plan } = setting;
  assertScheduleFits(document, { spec, steps: plan.steps.length });
  if (!document.provenance) return;
  const differences = compare({
    subject: subjectOf(document),
    made: document.provenance,
    run: createProvenance(setting),
  });
  for (const { made, run, ...rest } of differences) {
    if (made !== run) throw new IncompatibleError({ ...rest, actual: made, expected: run });
  }
}

/**
 * Checks the number of branches and steps of a router, schedule or calibration against a run.
 *
 * @throws {@link IncompatibleError}
 */
export function assertScheduleFits(
  document: Pick<CacheDocument, 'kind' | 'steps' | 'branches'>,
  run: { readonly spec: BackboneSpec; readonly steps: number },
): void {
  const { spec, steps } = run;
  const subject = subjectOf(document);
  if (document.branches !== spec.branches.length) {
    throw new IncompatibleError({
      what: `The ${subject}'s number of branches`,
      actual: document.branches,
      expected: spec.branches.length,
      fix: `Use a ${subject} made for ${spec.name}.`,
    });
  }
  if (document.steps !== steps) {
    throw new IncompatibleError({
      what: `The ${subject}'s number of steps`,
      actual: document.steps,
      expected: steps,
      fix: `Sample with ${document.steps} steps, or use a ${subject} made for ${steps}.`,
    });
  }
}

interface Comparison {
  readonly what: string;
  readonly made: string | number;
  readonly run: string | number;
  readonly fix: string;
}

/** Field by field, the most telling first. */
function compare(options: {
  readonly subject: string;
  readonly made: Provenance;
  readonly run: Provenance;
}): readonly Comparison[] {
  const { subject, made, run } = options;
  const unguided = made.guidance.scale === 1 && run.guidance.scale === 1;
  const another = `or use a ${subject} made for this run.`;
  return [
    {
      what: `The latent size that the ${subject} was made for`,
      made: sizeOf(made),
      run: sizeOf(run),
      fix: `Sample at ${sizeOf(made)}, ${another}`,
    },
    {
      what: `The model that the ${subject} was made for, by the SHA-256 of its weights,`,
      made: made.model.sha256,
      run: run.model.sha256,
      fix: `It was made for ${made.model.name}: load those weights, ${another}`,
    },
    {
      what: `The sampler that the ${subject} was made for`,
      made: made.sampler.name,
      run: run.sampler.name,
      fix: `Sample with ${made.sampler.name}, ${another}`,
    },
    {
      what: `The sampler plan that the ${subject} was made for, by its fingerprint,`,
      made: made.sampler.planSha256,
      run: run.sampler.planSha256,
      fix: `The samplers share a name but not their settings: use those of training, ${another}`,
    },
    {
      what: `The guidance scale that the ${subject} was made for`,
      made: made.guidance.scale,
      run: run.guidance.scale,
      fix: `Sample with a guidance scale of ${made.guidance.scale}, ${another}`,
    },
    {
      what: `The number of guided channels that the ${subject} was made for`,
      made: unguided ? 0 : made.guidance.channels,
      run: unguided ? 0 : run.guidance.channels,
      fix: `Guide ${made.guidance.channels} channels, ${another}`,
    },
  ];
}

function subjectOf({ kind }: Pick<CacheDocument, 'kind'>): string {
  return kind === 'cache-schedule' ? 'schedule' : kind;
}

function sizeOf({ latent: { height, width, channels } }: Provenance): string {
  return `${height} x ${width} x ${channels}`;
}

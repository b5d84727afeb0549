import { type Provenance, planFingerprint, type SamplerPlan } from '@harmonica/core';
import {
  createDdimPlan,
  createDdpmPlan,
  createNoiseSchedule,
  type NoiseScheduleName,
  type TimestepSpacing,
} from '@harmonica/samplers';

/** Names for `--sampler`. `ddpm` has a fixed variance, `iddpm` the one that the model predicts. */
export const SAMPLER_NAMES = ['ddim', 'ddpm', 'iddpm'] as const;

/** Names for `--schedule`. */
export const SCHEDULE_NAMES: readonly NoiseScheduleName[] = [
  'linear',
  'scaled-linear',
  'squared-cosine',
];

/** Names for `--spacing`. */
export const SPACING_NAMES: readonly TimestepSpacing[] = ['guided-diffusion', 'even'];

export type SamplerName = (typeof SAMPLER_NAMES)[number];

/** The settings of a sampler, as options name them. */
export interface SamplerOptions {
  /** Default `ddim`. */
  readonly sampler?: SamplerName | undefined;
  /** A count, `ddimN` or section counts, as guided-diffusion writes it. Default `20`. */
  readonly steps?: string | undefined;
  /** For `ddim`, in [0, 1]. Default 0. */
  readonly eta?: number | undefined;
  /** Default `linear`. */
  readonly schedule?: NoiseScheduleName | undefined;
  /** Default `guided-diffusion`. */
  readonly spacing?: TimestepSpacing | undefined;
}

/**
 * The plan that the options describe.
 *
 * @throws {@link InvalidArgumentError} if a setting is outside its range
 */
export function createPlan(options: SamplerOptions): SamplerPlan {
  const { sampler = 'ddim', steps = '20', eta, schedule = 'linear', spacing } = options;
  const common = {
    steps: /^\d+$/.test(steps) ? Number(steps) : steps,
    schedule: createNoiseSchedule({ name: schedule }),
    ...(spacing && { spacing }),
  };
  switch (sampler) {
    case 'ddim':
      return createDdimPlan({ ...common, ...(eta !== undefined && { eta }) });
    case 'ddpm':
      return createDdpmPlan({ ...common, variance: 'fixed-large' });
    case 'iddpm':
      return createDdpmPlan({ ...common, variance: 'learned-range' });
  }
}

/** The sampler with default settings that a router or schedule was made for, or `ddim` if it is none of them. */
export function samplerOf({ sampler }: Pick<Provenance, 'sampler'>): SamplerName {
  const steps = String(sampler.steps);
  const matches = (name: SamplerName): boolean =>
    planFingerprint(createPlan({ sampler: name, steps })) === sampler.planSha256;
  return SAMPLER_NAMES.find(matches) ?? 'ddim';
}

import {
  InvalidArgumentError,
  type PlanStep,
  type SamplerPlan,
  UnsupportedError,
} from '@harmonica/core';

/** Bounds of predicted samples, for methods whose predictions are samples. At most one of the two. */
export interface PredictionLimits {
  /** Range that predicted samples are clipped to, in units of the latent. Default: no clipping. */
  readonly clip?: NonNullable<PlanStep['clip']>;
  /** Dynamic thresholding, for models of pixels rather than latents. Default: none. */
  readonly threshold?: NonNullable<PlanStep['threshold']>;
}

/**
 * The limits as fields of a step.
 *
 * @throws {@link InvalidArgumentError} if a limit is outside its range, or both are given
 */
export function limitFields({ clip, threshold }: PredictionLimits): PredictionLimits {
  if (clip && threshold) {
    throw new InvalidArgumentError({
      argument: 'threshold',
      value: threshold,
      expected: 'at most one of clip and threshold',
    });
  }
  if (clip) assertClip(clip);
  if (threshold) assertThreshold(threshold);
  return {
    ...(clip && { clip: { min: clip.min, max: clip.max } }),
    ...(threshold && { threshold: { ratio: threshold.ratio, max: threshold.max } }),
  };
}

/** The limits' settings, for provenance. */
export function describeLimits({ clip, threshold }: PredictionLimits): SamplerPlan['settings'] {
  return {
    clipMin: clip?.min ?? null,
    clipMax: clip?.max ?? null,
    ...(threshold && { thresholdRatio: threshold.ratio, thresholdMax: threshold.max }),
  };
}

/**
 * Refuses limits for a method whose predictions are not samples.
 *
 * @throws {@link UnsupportedError}
 */
export function refuseLimits(
  limits: PredictionLimits,
  options: { readonly method: string; readonly fix: string },
): void {
  const feature = limits.clip ? 'clipping of samples' : 'dynamic thresholding';
  const { method, fix } = options;
  if (limits.clip || limits.threshold) throw new UnsupportedError({ feature, engine: method, fix });
}

function assertClip({ min, max }: NonNullable<PlanStep['clip']>): void {
  if (Number.isFinite(min) && Number.isFinite(max) && min < max) return;
  throw new InvalidArgumentError({
    argument: 'clip',
    value: { min, max },
    expected: 'finite numbers with min < max',
  });
}

function assertThreshold({ ratio, max }: NonNullable<PlanStep['threshold']>): void {
  if (ratio > 0 && ratio <= 1 && Number.isFinite(max) && max >= 1) return;
  throw new InvalidArgumentError({
    argument: 'threshold',
    value: { ratio, max },
    expected: 'a ratio in (0, 1] and a max of 1 or more',
  });
}

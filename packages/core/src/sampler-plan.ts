import type { Prediction } from './backbone.js';

/** How much noise a step adds. All values are standard deviations or log variances of the latent. */
export type StepNoise =
  | { readonly kind: 'fixed'; readonly std: number }
  /**
   * Learned range variance (Improved DDPM, 2021, Eq. 15): the model's second half of channels v in [-1, 1]
   * interpolates the log variance between `minLogVariance` (v = -1) and `maxLogVariance` (v = 1).
   */
  | {
      readonly kind: 'learned-range';
      readonly minLogVariance: number;
      readonly maxLogVariance: number;
      /** 0 on the last step, 1 elsewhere. */
      readonly scale: number;
    };

/**
 * One solver step. With latent x, model output m and the predictions p of this and earlier steps:
 *
 *     p[n] = toPrediction.x * x + toPrediction.model * m      (clipped to `clip`, if given)
 *     x'   = carry * x + sum_j history[j] * p[n - j] + noise
 */
export interface PlanStep {
  /** Model time handed to the backbone. */
  readonly timestep: number;
  readonly toPrediction: { readonly x: number; readonly model: number };
  readonly clip?: { readonly min: number; readonly max: number };
  readonly carry: number;
  readonly history: readonly number[];
  readonly noise: StepNoise;
}

/** A sampler with all its settings resolved into numbers. Plain JSON: printable, diffable, hashable. */
export interface SamplerPlan {
  readonly version: 1;
  /** Name of the method, such as `ddim`. */
  readonly sampler: string;
  /** What the model's output must stand for. */
  readonly prediction: Prediction;
  /** The settings the plan was made from, for people and provenance. */
  readonly settings: Readonly<Record<string, string | number | boolean | null>>;
  /** Standard deviation of the initial latent. */
  readonly initialStd: number;
  /** In order of execution: step 0 is the noisiest. */
  readonly steps: readonly PlanStep[];
}

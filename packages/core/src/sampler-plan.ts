import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import type { BackboneSpec, NoiseProcess, Prediction } from './backbone.js';
import { IncompatibleError } from './errors.js';
import { parseJson } from './parse-json.js';

/** How much noise a step adds. All values are standard deviations or log variances of the latent. */
export type StepNoise =
  | {
      readonly kind: 'fixed';
      readonly std: number;
      /**
       * Factors of the noise that earlier steps drew, the latest first: a method that goes back to the latent of an
       * earlier step takes the noise since then away. Absent: none.
       */
      readonly earlier?: readonly number[];
    }
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
 * Dynamic thresholding (Imagen 2022, Section 2.3), image by image: with s the `ratio` quantile of |p|, but at least 1 and
 * at most `max`, predictions are clipped to [-s, s] and divided by s.
 */
export interface DynamicThreshold {
  /** Quantile in (0, 1]. */
  readonly ratio: number;
  /** Upper bound of s, 1 or more. At 1 it is clipping to [-1, 1]. */
  readonly max: number;
}

/**
 * One solver step. With latent x, model output m and the predictions p of this and earlier steps:
 *
 *     p[n] = toPrediction.x * x + toPrediction.model * m      (held in range by `clip` or `threshold`, if given)
 *     x'   = carry * x + sum_j history[j] * p[n - j] + noise
 *
 * Predictions are samples, noise or velocities, as the method integrates.
 */
export interface PlanStep {
  /** Model time handed to the backbone. */
  readonly timestep: number;
  readonly toPrediction: { readonly x: number; readonly model: number };
  /** Range that predictions are clipped to. Not together with `threshold`. */
  readonly clip?: { readonly min: number; readonly max: number };
  /** Dynamic thresholding of predictions. Not together with `clip`. */
  readonly threshold?: DynamicThreshold;
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
  /** What model times and velocities stand for. Default `'diffusion'`. */
  readonly process?: NoiseProcess;
  /** The settings the plan was made from, for people and provenance. */
  readonly settings: Readonly<Record<string, string | number | boolean | null>>;
  /** Standard deviation of the initial latent. */
  readonly initialStd: number;
  /** In order of execution: step 0 is the noisiest. */
  readonly steps: readonly PlanStep[];
}

/** Parses a sampler plan document. @throws {@link ConfigError} */
export function parseSamplerPlan(text: string, source = 'sampler plan'): SamplerPlan {
  return parseJson({ source, text, schema: samplerPlanSchema() }) as SamplerPlan;
}

function samplerPlanSchema() {
  const noise = z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('fixed'),
      std: z.number().nonnegative(),
      earlier: z.array(z.number()).min(1).optional(),
    }),
    z.object({
      kind: z.literal('learned-range'),
      minLogVariance: z.number(),
      maxLogVariance: z.number(),
      scale: z.number().nonnegative(),
    }),
  ]);
  const step = z.object({
    timestep: z.number(),
    toPrediction: z.object({ x: z.number(), model: z.number() }),
    clip: z.object({ min: z.number(), max: z.number() }).optional(),
    threshold: z.object({ ratio: z.number().gt(0).max(1), max: z.number().min(1) }).optional(),
    carry: z.number(),
    history: z.array(z.number()).min(1),
    noise,
  });
  const limited = step.refine(({ clip, threshold }) => !(clip && threshold), {
    path: ['threshold'],
    message: 'not together with clip',
  });
  return z.object({
    version: z.literal(1),
    sampler: z.string().min(1),
    prediction: z.enum(['epsilon', 'sample', 'velocity']),
    process: z.enum(['diffusion', 'flow', 'sit']).optional(),
    settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    initialStd: z.number().positive(),
    steps: z.array(limited).min(1),
  });
}

/** A plan, and the model that it is to sample. */
export interface PlanFit {
  readonly plan: Pick<SamplerPlan, 'sampler' | 'prediction' | 'process'>;
  readonly spec: Pick<BackboneSpec, 'name' | 'prediction' | 'process'>;
}

/**
 * Checks that a plan is made for what a model predicts, and for its kind of time: a sampler of flows would call a SiT at
 * times that it never saw, and take its velocities for their opposites.
 *
 * @throws {@link IncompatibleError}
 */
export function assertPlanFits({ plan, spec }: PlanFit): void {
  if (plan.prediction !== spec.prediction) {
    throw new IncompatibleError({
      what: `The ${plan.sampler} plan's prediction`,
      actual: plan.prediction,
      expected: spec.prediction,
      fix: `Create the plan with prediction: '${spec.prediction}' for ${spec.name}.`,
    });
  }
  const [actual, expected] = [plan, spec].map(({ process = 'diffusion' }) => process) as [
    NoiseProcess,
    NoiseProcess,
  ];
  if (actual === expected) return;
  throw new IncompatibleError({
    what: `The noise process of the ${plan.sampler} plan`,
    actual,
    expected,
    fix: `${spec.name} takes ${SAMPLERS[expected]}.`,
  });
}

/** What to sample models of each process with. */
const SAMPLERS: Readonly<Record<NoiseProcess, string>> = {
  diffusion: 'plans with a noise schedule, such as those of createDdimPlan or createDpmSolverPlan',
  flow: 'the flow plans, or a solver with its flow option',
  sit: 'the plans of createSitOdePlan or createSitSdePlan',
};

/** SHA-256 of a JSON value with its object keys sorted, in hex: equal values have equal fingerprints. */
export function fingerprint(value: unknown): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(value))));
}

/** Identifies what a plan computes: its steps, initial scale and prediction, not what they came from. */
export function planFingerprint({ prediction, initialStd, steps }: SamplerPlan): string {
  return fingerprint({ prediction, initialStd, steps });
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

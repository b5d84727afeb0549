import {
  type BackboneSpec,
  type CacheSchedule,
  type Guidance,
  InvalidArgumentError,
  type PredictorName,
  type SamplerPlan,
} from '@harmonica/core';
import { assertCompatible, fixedIntervalSchedule } from '@harmonica/router';
import { type NamedDocument, readCacheDocument } from './cache-document.js';
import type { Model } from './model.js';
import { type CreatePlanOptions, createPlan, type SamplerOptions, samplerOf } from './sampler.js';
import { settingsIn } from './sampler-settings.js';

/** Classifier-free guidance, as options name it. */
export interface GuidanceOptions {
  /** 1: the conditional model alone. Default: the router's, else the model's. */
  readonly guidance?: number | undefined;
  /** Default: the router's, else the model's. */
  readonly guidedChannels?: number | 'all' | undefined;
}

/** What decides which branches are computed, as options name it. */
export interface CacheOptions {
  /** A file, a router of emoji-dit or `none`. */
  readonly router?: string | undefined;
  readonly policy?: 'none' | 'fixed-interval' | undefined;
  /** For `fixed-interval`. Default 2. */
  readonly interval?: number | undefined;
  /** For `fixed-interval`. Default `hold`. */
  readonly predictor?: PredictorName | undefined;
  /** For `fixed-interval`: steps at the start that compute everything. Default 1 for `hold`, else 2. */
  readonly initialSteps?: number | undefined;
}

/** A way to sample from a model, with every default filled in. */
export interface RunSetting {
  readonly plan: SamplerPlan;
  /** What the plan was made from. */
  readonly sampler: CreatePlanOptions;
  readonly guidance?: Guidance & { readonly channels: number };
  /** Absent: every branch is computed. */
  readonly cache?: {
    readonly name: string;
    readonly schedule: CacheSchedule;
  };
}

/** Options of {@link resolveRunSetting}. */
export interface ResolveRunSettingOptions {
  readonly options: SamplerOptions & GuidanceOptions & CacheOptions;
  readonly model: Pick<Model, 'backbone' | 'sha256' | 'defaultGuidance' | 'process'>;
}

/**
 * Fills in what the options leave open: sampler, steps and guidance are those that the router was made for, else the
 * defaults. What is said explicitly is never overridden: a router that does not fit it is refused.
 *
 * @throws {@link IncompatibleError} if the router or schedule was made for another run
 * @throws {@link InvalidArgumentError} if both a router and a policy are given, or a value is outside its range
 */
export async function resolveRunSetting(input: ResolveRunSettingOptions): Promise<RunSetting> {
  const { options, model } = input;
  const named = await documentOf(options);
  const made = named?.document.provenance;
  const { process } = model;
  const sampler: CreatePlanOptions = {
    ...settingsIn(options),
    sampler: options.sampler ?? (made && samplerOf(made, process)),
    steps: options.steps ?? (named && String(named.document.steps)),
    process,
  };
  const plan = createPlan(sampler);
  const { spec } = model.backbone;
  const guidance = resolveGuidance({
    options,
    fallback: made?.guidance ?? model.defaultGuidance,
    latentChannels: spec.latent.channels,
  });
  if (named) {
    assertCompatible(named.document, { spec, plan, modelSha256: model.sha256, guidance });
  }
  const cache =
    named ??
    (options.policy === 'fixed-interval'
      ? intervalSchedule({ options, spec, steps: plan.steps.length })
      : undefined);
  return {
    plan,
    sampler,
    ...(guidance && { guidance }),
    ...(cache && { cache: { name: cache.name, schedule: cache.schedule } }),
  };
}

async function documentOf({ router, policy }: CacheOptions): Promise<NamedDocument | undefined> {
  if (router === undefined || router === 'none') return undefined;
  if (policy !== undefined && policy !== 'none') {
    throw new InvalidArgumentError({
      argument: '--policy',
      value: policy,
      expected: 'no policy beside a router',
      fix: 'Give --router or --policy, not both.',
    });
  }
  return readCacheDocument(router);
}

/** Options of {@link resolveGuidance}. */
export interface ResolveGuidanceOptions {
  readonly options: GuidanceOptions;
  readonly fallback: { readonly scale: number; readonly channels: number };
  readonly latentChannels: number;
}

/** Guidance with its defaults; none for a scale of 1, which is the conditional model. */
export function resolveGuidance(input: ResolveGuidanceOptions): RunSetting['guidance'] {
  const { options, fallback, latentChannels } = input;
  const { guidance: scale = fallback.scale, guidedChannels = fallback.channels } = options;
  if (scale === 1) return undefined;
  return { scale, channels: guidedChannels === 'all' ? latentChannels : guidedChannels };
}

/** Options of {@link intervalSchedule}. */
export interface IntervalScheduleOptions {
  readonly options: Pick<CacheOptions, 'interval' | 'predictor' | 'initialSteps'>;
  readonly spec: BackboneSpec;
  readonly steps: number;
}

/**
 * The schedule of `--policy fixed-interval`. `hold` is FORA: the last step is computed, and one at the start.
 * Forecasting predictors count from the start, after two full steps, so that they have what they read.
 */
export function intervalSchedule(input: IntervalScheduleOptions): {
  readonly name: string;
  readonly schedule: CacheSchedule;
} {
  const { options, spec, steps } = input;
  const { interval = 2, predictor = 'hold' } = options;
  const held = predictor === 'hold';
  const { initialSteps = Math.min(steps, held ? 1 : 2) } = options;
  return {
    name: `interval-${interval}-${predictor}`,
    schedule: fixedIntervalSchedule({
      steps,
      branches: spec.branches,
      interval,
      predictor,
      initialSteps,
      align: held ? 'last' : 'first',
    }),
  };
}

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  assertArgument,
  type CacheSchedule,
  FileError,
  type Guidance,
  type RouterFile,
  type SamplerPlan,
} from '@harmonica/core';
import { listRouters } from '@harmonica/emoji-dit';
import {
  type PolicySpec,
  parseCacheDocument,
  parsePolicySpec,
  policyFrom,
  policyOrigin,
  type ReadyPolicy,
  toSchedule,
} from '@harmonica/router';
import { createPlan, type SamplerOptions, samplerOf, settingsIn } from '@harmonica/samplers';
import type { Model } from './models/load-model.js';

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
  /** As `parsePolicySpec` reads it. */
  readonly policy?: string | undefined;
  /** What the policy predicts with. Default: what its spec says. */
  readonly predictor?: string | undefined;
}

/** A way to sample from a model, with every default filled in. */
export interface RunSetting {
  readonly plan: SamplerPlan;
  readonly guidance?: Guidance & { readonly channels: number };
  /** Absent: every branch is computed. */
  readonly cache?: Exclude<ReadyPolicy, { kind: 'none' }>;
}

/** Options of {@link resolveRunSetting}. */
export interface ResolveRunSettingOptions {
  readonly options: SamplerOptions & GuidanceOptions & CacheOptions;
  readonly model: Pick<Model, 'backbone' | 'sha256' | 'defaultGuidance' | 'process'>;
}

/**
 * Fills in what the options leave open: sampler, steps and guidance are those that the router or calibration was made
 * for, else the defaults. What is said explicitly is never overridden: a file that does not fit it is refused.
 *
 * @throws {@link IncompatibleError} if the router, schedule or calibration was made for another run
 * @throws {@link InvalidArgumentError} if both a router and a policy are given, or a value is outside its range
 */
export async function resolveRunSetting(input: ResolveRunSettingOptions): Promise<RunSetting> {
  const { options, model } = input;
  const policySpec = policySpecOf(options);
  const origin = await policyOrigin(policySpec, readCacheText);
  const { process } = model;
  const plan = createPlan({
    ...settingsIn(options),
    sampler: options.sampler ?? (origin?.provenance && samplerOf(origin.provenance, process)),
    steps: options.steps ?? (origin && String(origin.steps)),
    process,
  });
  const { spec } = model.backbone;
  const guidance = resolveGuidance({
    options,
    fallback: origin?.provenance?.guidance ?? model.defaultGuidance,
    latentChannels: spec.latent.channels,
  });
  const run = { spec, plan, modelSha256: model.sha256, guidance };
  const cache = await policyFrom(policySpec, { ...run, read: readCacheText });
  return {
    plan,
    ...(guidance && { guidance }),
    ...(cache.kind !== 'none' && { cache }),
  };
}

function policySpecOf({ router = 'none', policy = 'none', predictor }: CacheOptions): PolicySpec {
  const isOne = router === 'none' || policy === 'none';
  assertArgument({ policy }, 'no policy beside a router', isOne, 'Give one of the two.');
  if (router !== 'none') return { policy: 'schedule', file: router };
  const spec = parsePolicySpec(policy);
  return predictor ? parsePolicySpec({ ...spec, predictor } as PolicySpec) : spec;
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

/** A router or schedule, and what it is called. */
export interface NamedDocument {
  readonly name: string;
  readonly document: RouterFile | CacheSchedule;
  readonly schedule: CacheSchedule;
}

/**
 * Reads a router or schedule: a file, or the name of a router that comes with emoji-dit.
 *
 * @throws {@link FileError} if there is neither such a file nor such a router
 * @throws {@link ConfigError} if it is neither a router nor a schedule
 */
export async function readCacheDocument(nameOrPath: string): Promise<NamedDocument> {
  const document = parseCacheDocument(await readCacheText(nameOrPath), nameOrPath);
  return {
    name: basename(nameOrPath, '.json'),
    document,
    schedule: document.kind === 'router' ? toSchedule(document) : document,
  };
}

/**
 * The text of a router, schedule or calibration: of a file, or of a router that comes with emoji-dit.
 *
 * @throws {@link FileError} if there is neither such a file nor such a router
 */
export async function readCacheText(nameOrPath: string): Promise<string> {
  const shipped = await listRouters();
  const path = shipped.find(({ name }) => name === nameOrPath)?.path ?? nameOrPath;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const names = shipped.map(({ name }) => name);
    const fix = `Give a file${names.length > 0 ? `, or one of ${names.join(', ')}` : ''}.`;
    const problem = 'is neither a file that can be read nor a router of emoji-dit';
    throw new FileError({ path: nameOrPath, problem, fix, cause });
  }
}

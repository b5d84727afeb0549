import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import {
  type BackboneSpec,
  type CacheSchedule,
  fingerprint,
  planFingerprint,
  type SamplerPlan,
} from '@harmonica/core';
import {
  cacheStatistics,
  createSchedule,
  macsCostModel,
  theoreticalSpeedUp,
} from '@harmonica/router';
import type { Pipeline } from './pipeline.js';
import type { RunSetting } from './run-setting.js';
import type { Sample, SampledLatents } from './sample.js';

/** What was sampled, how, and how long it took: enough to do it again. Plain JSON. */
export interface RunManifest {
  readonly version: 1;
  readonly kind: 'run';
  readonly versions: Readonly<Record<string, string>>;
  readonly engine: string;
  readonly model: { readonly name: string; readonly sha256: string };
  readonly planSha256: string;
  /** As `parseSamplerPlan` reads it. */
  readonly plan: SamplerPlan;
  readonly guidance: { readonly scale: number; readonly channels: number } | null;
  /** Null for an uncached run. */
  readonly cache: CacheRecord | DynamicCacheRecord | null;
  readonly batchSize: number;
  readonly images: readonly ImageRecord[];
  /** Wall time in ms. */
  readonly timing: RunTiming;
}

/** What was computed and what predicted. */
export interface CacheRecord extends Savings {
  readonly name: string;
  /** Fingerprint of the schedule without its provenance. */
  readonly sha256: string;
  /** As `parseCacheSchedule` reads it. */
  readonly schedule: CacheSchedule;
}

/** What a policy decided on the way. */
export interface DynamicCacheRecord extends Savings {
  readonly name: string;
  /** For each batch its images and what was decided for them, as `parseCacheSchedule` reads it. */
  readonly batches: readonly { readonly images: number; readonly schedule: CacheSchedule }[];
}

interface Savings {
  /** In [0, 1). Of several batches the mean over images. */
  readonly cacheUtilization: number;
  /** By MACs, of all images. */
  readonly theoreticalSpeedUp: number;
}

/** One image, or one row of the file of latents. */
export interface ImageRecord {
  readonly seed: number;
  readonly label: number;
  readonly class: string;
  /** In the folder of the manifest. */
  readonly file: string;
}

/** Wall times in ms. */
export interface RunTiming {
  readonly samplingMs: number;
  /** 0 if nothing was decoded. */
  readonly decodingMs: number;
}

/** Options of {@link createRunManifest}. */
export interface RunManifestOptions {
  readonly pipeline: Pipeline;
  readonly sample: Sample;
  /** One for each image. */
  readonly files: readonly string[];
}

/** The record of a finished run. */
export function createRunManifest(options: RunManifestOptions): RunManifest {
  const { pipeline, sample, files } = options;
  const { setting, jobs, batchSize, batches, samplingMs, decodingMs } = sample;
  const { model, executor } = pipeline;
  const { plan, guidance, cache } = setting;
  return {
    version: 1,
    kind: 'run',
    versions: versionsInUse(),
    engine: executor.engine,
    model: { name: executor.spec.name, sha256: model.sha256 },
    planSha256: planFingerprint(plan),
    plan,
    guidance: guidance ? { scale: guidance.scale, channels: guidance.channels } : null,
    cache: cache ? recordOf({ cache, batches, spec: executor.spec }) : null,
    batchSize,
    images: jobs.map(({ seed, label }, i) => ({
      seed,
      label,
      class: model.conditions.nameOf(label),
      file: files[i] as string,
    })),
    timing: { samplingMs, decodingMs },
  };
}

function recordOf(input: {
  readonly cache: NonNullable<RunSetting['cache']>;
  readonly batches: SampledLatents['batches'];
  readonly spec: BackboneSpec;
}): CacheRecord | DynamicCacheRecord {
  const { cache, batches, spec } = input;
  if (cache.kind === 'schedule') return cacheRecord({ ...cache, spec });
  const { name, predictor } = cache;
  const decided = batches.map(({ images, decisions }) => ({
    images,
    schedule: createSchedule({ decisions, predictor }),
  }));
  const saved = decided.map(({ images, schedule }) => ({
    images,
    ...cacheRecord({ name, schedule, spec }),
  }));
  const meanOf = (value: (each: (typeof saved)[number]) => number) =>
    saved.reduce((sum, each) => sum + each.images * value(each), 0) /
    saved.reduce((sum, { images }) => sum + images, 0);
  return {
    name,
    cacheUtilization: meanOf((each) => each.cacheUtilization),
    theoreticalSpeedUp: 1 / meanOf((each) => 1 / each.theoreticalSpeedUp),
    batches: decided,
  };
}

/** What a schedule saves on a model. */
export function cacheRecord(input: {
  readonly name: string;
  readonly schedule: CacheSchedule;
  readonly spec: BackboneSpec;
}): CacheRecord {
  const { name, schedule, spec } = input;
  const { provenance: _, ...table } = schedule;
  return {
    name,
    sha256: fingerprint(table),
    cacheUtilization: cacheStatistics({ schedule, branches: spec.branches }).all.ratio,
    theoreticalSpeedUp: theoreticalSpeedUp({ schedule, cost: macsCostModel(spec) }),
    schedule,
  };
}

const require = createRequire(import.meta.url);

/** What a result depends on besides its settings. */
export function versionsInUse(): Readonly<Record<string, string>> {
  return {
    harmonica: versionIn(new URL('../package.json', import.meta.url)),
    node: process.versions.node,
    tfjs: versionIn(require.resolve('@tensorflow/tfjs-core/package.json')),
    onnxruntime: versionIn(require.resolve('onnxruntime-node/package.json')),
  };
}

function versionIn(path: string | URL): string {
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

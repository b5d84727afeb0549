import { setImmediate } from 'node:timers/promises';
import {
  assertArgument,
  type CacheMethod,
  type Decisions,
  type GenerateOptions,
  type Guidance,
  generate,
  type LongCallOptions,
  type PixelImage,
  type SamplerPlan,
  throwIfAborted,
  trackProgress,
} from '@harmonica/core';
import { cacheMethodOf } from '@harmonica/router';
import type { SamplerOptions } from '@harmonica/samplers';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import type { Conditions } from './conditions.js';
import type { Pipeline } from './pipeline.js';
import {
  type CacheOptions,
  type GuidanceOptions,
  type RunSetting,
  resolveRunSetting,
} from './run-setting.js';

/** Options of {@link sample}. */
export interface SampleOptions
  extends SamplerOptions,
    GuidanceOptions,
    CacheOptions,
    LongCallOptions {
  readonly pipeline: Pipeline;
  /** Names of classes or numbers of prompts, taken in turn. Default: all. */
  readonly conditions?: readonly string[] | undefined;
  /** One image each: the noise that it starts from. */
  readonly seeds: readonly number[];
  /** Images at a time. Default 16. */
  readonly batchSize?: number | undefined;
}

/** Result of {@link sample}. */
export interface Sample extends SampledLatents {
  /** What was run, every default filled in. */
  readonly setting: RunSetting;
  readonly jobs: readonly ImageJob[];
  readonly batchSize: number;
  /** 8-bit RGB, one for each job. Absent if the model has no autoencoder. */
  readonly images?: readonly PixelImage[];
  /** Wall time of the autoencoder in ms; 0 without one. */
  readonly decodingMs: number;
}

/**
 * Samples images: from names of sampler, caching method and conditions to pixels.
 *
 * @throws as {@link resolveRunSetting}, {@link imageJobs}, {@link sampleLatents} and {@link decodeImages} do
 *
 * @example
 * const { images } = await sample({ pipeline, conditions: ['heart'], seeds: [1, 2], policy: 'fora:2' });
 */
export async function sample(options: SampleOptions): Promise<Sample> {
  const { pipeline, conditions, seeds, batchSize = 16, signal, onProgress } = options;
  const { model, decoder } = pipeline;
  const setting = await resolveRunSetting({ options, model });
  const jobs = imageJobs({ conditions, seeds }, model.conditions);
  const { plan, guidance, cache } = setting;
  const cacheMethod = cache && cacheMethodOf(cache);
  const run = { pipeline, plan, guidance, cacheMethod, jobs, batchSize, signal, onProgress };
  const sampled = await sampleLatents(run);
  const { latents } = sampled;
  const decoded = decoder && (await decodeImages({ pipeline, latents, signal, onProgress }));
  return { setting, jobs, batchSize, ...sampled, decodingMs: 0, ...decoded };
}

/** One image to sample. */
export interface ImageJob {
  readonly seed: number;
  /** Of a class or a prompt. */
  readonly label: number;
}

/** Options of {@link sampleLatents}. */
export interface SampleLatentsOptions extends LongCallOptions {
  readonly pipeline: Pick<Pipeline, 'executor' | 'model'>;
  readonly plan: SamplerPlan;
  readonly guidance?: Guidance | undefined;
  /** How branches are run. Default: all are computed. */
  readonly cacheMethod?: CacheMethod | undefined;
  readonly jobs: readonly ImageJob[];
  /** Images per run. */
  readonly batchSize: number;
  /** What `onProgress` is told is going on, step by step. Default `sampling`. */
  readonly label?: string | undefined;
  /** Called after each step of each batch. */
  readonly onStep?: GenerateOptions['onStep'] | undefined;
}

/** What was decided for the images of one batch, which only dynamic policies decide anew for each. */
export interface DecidedBatch {
  readonly images: number;
  readonly decisions: readonly Decisions[];
}

/** Result of {@link sampleLatents}. */
export interface SampledLatents {
  /** One for each job, row-major `[height, width, channels]`. */
  readonly latents: readonly Float32Array[];
  /** Wall time of the sampling runs alone, in ms. */
  readonly samplingMs: number;
  /** For each batch how many images it has and `[T][N]` what was computed. */
  readonly batches: readonly DecidedBatch[];
}

/**
 * Samples latents, batch by batch.
 *
 * @throws as `generate` does
 */
export async function sampleLatents(options: SampleLatentsOptions): Promise<SampledLatents> {
  const { plan, jobs, batchSize, label = 'sampling', onStep, onProgress } = options;
  const total = Math.ceil(jobs.length / batchSize) * plan.steps.length;
  const progress = trackProgress({ onProgress, label, total });
  const watched: SampleLatentsOptions = {
    ...options,
    onStep(event) {
      progress.add();
      onStep?.(event);
    },
  };
  const latents: Float32Array[] = [];
  let samplingMs = 0;
  const batches: DecidedBatch[] = [];
  for (let start = 0; start < jobs.length; start += batchSize) {
    const batch = jobs.slice(start, start + batchSize);
    const began = performance.now();
    const sampled = await sampleBatch(watched, batch);
    samplingMs += performance.now() - began;
    latents.push(...sampled.latents);
    batches.push({ images: batch.length, decisions: sampled.decisions });
  }
  return { latents, samplingMs, batches };
}

async function sampleBatch(options: SampleLatentsOptions, jobs: readonly ImageJob[]) {
  const { pipeline, plan, guidance, cacheMethod, onStep, signal } = options;
  const { conditions } = pipeline.model;
  const labels = jobs.map(({ label }) => label);
  const condition = conditions.condition(labels);
  const unconditional = guidance && conditions.unconditional?.(labels);
  try {
    const { latent, decisions } = await generate({
      executor: pipeline.executor,
      plan,
      condition,
      seeds: jobs.map(({ seed }) => seed),
      ...(guidance && { guidance: { ...guidance, ...(unconditional && { unconditional }) } }),
      ...(cacheMethod && { cache: cacheMethod }),
      ...(onStep && { onStep }),
      ...(signal && { signal }),
    });
    return { latents: await rowsOf(latent), decisions };
  } finally {
    dispose([condition, unconditional ?? {}] as Record<string, Tensor>[]);
  }
}

/** The values of each image of a batch, which is disposed. */
async function rowsOf(batch: Tensor): Promise<Float32Array[]> {
  const values = (await batch.data()) as Float32Array;
  const [count = 0] = batch.shape;
  const size = batch.size / count;
  dispose(batch);
  return Array.from({ length: count }, (_, i) => values.slice(i * size, (i + 1) * size));
}

/**
 * One image for each seed, classes or prompts taken in turn: image i is of number i modulo their count.
 *
 * @throws {@link InvalidArgumentError} if one is unknown
 */
export function imageJobs(
  options: {
    /** Names of classes or prompts, taken in turn. Default: all. */
    readonly conditions?: readonly string[] | undefined;
    readonly seeds: readonly number[];
  },
  conditions: Conditions,
): readonly ImageJob[] {
  const labels =
    options.conditions?.map((name) => conditions.labelOf(name)) ??
    Array.from({ length: conditions.count }, (_, label) => label);
  return options.seeds.map((seed, i) => ({ seed, label: labels[i % labels.length] as number }));
}

/** `count` images with seeds from 0, of all classes or prompts in turn. */
export function numberedJobs(count: number, conditions: Conditions): readonly ImageJob[] {
  return imageJobs({ seeds: seedsFrom(0, count) }, conditions);
}

/** `count` seeds, one after the other. */
export function seedsFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

/** Options of {@link decodeImages}. */
export interface DecodeImagesOptions extends LongCallOptions {
  readonly pipeline: Pick<Pipeline, 'decoder'>;
  readonly latents: readonly Float32Array[];
}

/** Result of {@link decodeImages}. */
export interface DecodedImages {
  /** 8-bit RGB, one for each latent. */
  readonly images: readonly PixelImage[];
  /** Wall time in ms. */
  readonly decodingMs: number;
}

/**
 * Decodes latents, as many at a time as the decoder takes.
 *
 * @throws {@link InvalidArgumentError} if the model has no autoencoder; {@link AbortedError}
 */
export async function decodeImages(options: DecodeImagesOptions): Promise<DecodedImages> {
  const { pipeline, latents, signal, onProgress } = options;
  const { decoder } = pipeline;
  assertArgument({ vae: decoder }, 'an autoencoder, because images are wanted', decoder);
  const progress = trackProgress({ onProgress, label: 'decoding', total: latents.length });
  const began = performance.now();
  const images: PixelImage[] = [];
  for (let start = 0; start < latents.length; start += decoder.batchSize) {
    await setImmediate(); // Ctrl-C is heard between two batches, whatever the engine
    throwIfAborted(signal, 'Decoding');
    const decoded = await decoder.decode(latents.slice(start, start + decoder.batchSize));
    images.push(...decoded);
    progress.add(decoded.length);
  }
  return { images, decodingMs: performance.now() - began };
}

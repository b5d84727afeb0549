import { join } from 'node:path';
import { type PixelImage, throwIfAborted } from '@harmonica/core';
import { encodePng, imageGrid } from '@harmonica/pictures';
import {
  type CacheOptions,
  createRunManifest,
  fileNameOf,
  type ImageJob,
  type Pipeline,
  prepareFolder,
  type RunManifest,
  SAMPLES_GRID,
  SAMPLES_RECORD,
  sample,
  writeOutput,
} from '@harmonica/pipeline';
import { writeSafetensors } from '@harmonica/weights';
import type { Command } from 'commander';
import type { CommandContext } from '../cli-context.js';
import {
  addCacheOptions,
  addImageOptions,
  addRunOptions,
  type ImageOptions,
  type RunOptions,
} from '../options/option-groups.js';
import { savedBy } from '../terminal/schedule-report.js';
import { usePipeline } from '../terminal/use-pipeline.js';

interface SampleOptions extends RunOptions, CacheOptions, ImageOptions {
  readonly out: string;
}

/** `harmonica sample`: images, a grid of them and a record of the run. */
export function addSampleCommand(program: Command, context: CommandContext): void {
  const command = program.command('sample').description('sample images, with or without a cache');
  addRunOptions(command);
  addCacheOptions(command);
  addImageOptions(command);
  command
    .option('--out <folder>', 'where images and run.json go', 'out/samples')
    .action(async () => {
      const options = command.optsWithGlobals<SampleOptions>();
      await prepareFolder(options.out);
      await usePipeline({
        options,
        context,
        use: (pipeline) => sampleInto(options, context, pipeline),
      });
    });
}

async function sampleInto(
  options: SampleOptions,
  context: CommandContext,
  pipeline: Pipeline,
): Promise<void> {
  const { class: conditions, batch: batchSize, out: folder } = options;
  const { signal, onProgress } = context;
  const sampled = await sample({
    ...options,
    pipeline,
    conditions,
    batchSize,
    signal,
    onProgress,
  });
  throwIfAborted(signal, 'Sampling');
  const { images, jobs, latents } = sampled;
  const files = images
    ? await writeImages({ folder, jobs, images, pipeline })
    : await writeLatents(folder, latents, pipeline);
  const manifest = createRunManifest({ pipeline, sample: sampled, files });
  await writeOutput(join(options.out, SAMPLES_RECORD), `${JSON.stringify(manifest, null, 2)}\n`);
  context.stdout.write(summaryOf(manifest, options.out));
}

/** A file for each image and `grid.png`. */
async function writeImages(input: {
  readonly folder: string;
  readonly jobs: readonly ImageJob[];
  readonly images: readonly PixelImage[];
  readonly pipeline: Pipeline;
}): Promise<string[]> {
  const { folder, jobs, images, pipeline } = input;
  const digits = String(Math.max(...jobs.map(({ seed }) => seed))).length;
  const files: string[] = [];
  for (const [i, image] of images.entries()) {
    const { seed, label } = jobs[i] as ImageJob;
    const name = fileNameOf(pipeline.model.conditions.nameOf(label));
    const file = `${String(seed).padStart(digits, '0')}-${name}.png`;
    await writeOutput(join(folder, file), encodePng(image));
    files.push(file);
  }
  await writeOutput(join(folder, SAMPLES_GRID), encodePng(imageGrid({ images })));
  return files;
}

/** `latents.safetensors`: one tensor `latents`, `[images, height, width, channels]`, in the order of the jobs. */
async function writeLatents(
  folder: string,
  latents: readonly Float32Array[],
  { executor }: Pipeline,
): Promise<string[]> {
  const { height, width, channels } = executor.spec.latent;
  const size = height * width * channels;
  const data = new Float32Array(latents.length * size);
  for (const [i, latent] of latents.entries()) data.set(latent, i * size);
  const shape = [latents.length, height, width, channels];
  const file = 'latents.safetensors';
  await writeSafetensors(join(folder, file), { tensors: new Map([['latents', { shape, data }]]) });
  return latents.map(() => file);
}

function summaryOf({ images, plan, cache, timing }: RunManifest, folder: string): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const saved = cache ? `, ${cache.name}: ${savedBy(cache)}` : ', uncached';
  return [
    `${images.length} images, ${plan.sampler}, ${plan.steps.length} steps${saved}`,
    `sampling ${seconds(timing.samplingMs)}, decoding ${seconds(timing.decodingMs)}`,
    `written to ${folder}`,
    '',
  ].join('\n');
}

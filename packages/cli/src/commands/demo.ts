import { join } from 'node:path';
import type { PixelImage } from '@harmonica/core';
import { findRouter } from '@harmonica/emoji-dit';
import { type SampledInTurns, sampleInTurns } from '@harmonica/evaluation';
import { meanPsnr, meanSsim } from '@harmonica/metrics';
import { heatMapOf, heatMapToPng, imageGrid, sideBySide, textTable } from '@harmonica/pictures';
import {
  type CacheRecord,
  cacheRecord,
  decodeImages,
  type ImageJob,
  imageJobs,
  type NamedDocument,
  type Pipeline,
  prepareFolder,
  type RunSetting,
  readCacheDocument,
  resolveRunSetting,
  writeOutput,
} from '@harmonica/pipeline';
import { type Command, Option } from 'commander';
import type { CommandContext } from '../cli-context.js';
import { type GlobalOptions, imageSeeds } from '../options/option-groups.js';
import { formatDuration } from '../terminal/terminal-style.js';
import { usePipeline } from '../terminal/use-pipeline.js';

/** Classes that show well. */
const CLASSES = [
  'food-fruit',
  'animal-mammal',
  'face-smiling',
  'plant-flower',
  'transport-ground',
  'heart',
  'food-sweet',
  'animal-bird',
  'sky-weather',
  'animal-marine',
  'food-vegetable',
  'clothing',
  'cat-face',
  'drink',
  'place-building',
  'animal-bug',
];

interface DemoOptions extends GlobalOptions {
  readonly model: string;
  readonly router?: string;
  readonly class: readonly string[];
  readonly seeds: readonly number[];
  readonly out: string;
}

/** `harmonica demo`: the same images with and without a trained router, timed and compared. */
export function addDemoCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('demo')
    .description('sample 16 images with and without a trained router, and compare')
    .option('--model <name>', 'emoji-dit, or a folder like its weights', 'emoji-dit')
    .option('--router <file>', 'a file or a router of emoji-dit (default: the one for ddim 20)')
    .addOption(
      new Option('--class <names...>', 'classes, taken in turn').default(CLASSES, '16 fine ones'),
    )
    .addOption(imageSeeds('one image each'))
    .option('--out <folder>', 'where demo.png and router.png go', 'out')
    .action(async () => {
      const options = command.optsWithGlobals<DemoOptions>();
      await prepareFolder(options.out);
      const named = await readCacheDocument(options.router ?? (await findRouter(20)).name);
      await usePipeline({
        options,
        context,
        use: (pipeline) => demo({ options, context, pipeline, named }),
      });
    });
}

interface DemoInput {
  readonly options: DemoOptions;
  readonly context: CommandContext;
  readonly pipeline: Pipeline;
  readonly named: NamedDocument;
}

async function demo({ options, context, pipeline, named }: DemoInput): Promise<void> {
  const { signal, onProgress } = context;
  const { model, executor } = pipeline;
  const router = options.router ?? named.name;
  const setting = await resolveRunSetting({ options: { router }, model });
  const jobs = imageJobs({ conditions: options.class, seeds: options.seeds }, model.conditions);
  const { schedule } = named;
  const sampled = await sampleInTurns({
    pipeline,
    setting,
    schedule,
    jobs,
    signal,
    onProgress,
  });
  const uncached = await decodeRun(sampled.uncached, pipeline, context);
  const cached = await decodeRun(sampled.cached, pipeline, context);
  const savings = cacheRecord({ name: named.name, schedule, spec: executor.spec });

  await writeOutput(join(options.out, 'demo.png'), await demoPicture(uncached, cached));
  const map = heatMapOf({ document: named.document, branches: executor.spec.branches });
  await writeOutput(join(options.out, 'router.png'), await heatMapToPng(map));
  context.stdout.write(report({ setting, jobs, uncached, cached, savings }));
  const files = ['demo.png', 'router.png'].map((file) => join(options.out, file));
  context.stdout.write(`written: ${files.join(', ')}\n`);
}

interface DemoRun {
  readonly samplingMs: number;
  readonly decodingMs: number;
  readonly images: readonly PixelImage[];
}

async function decodeRun(
  { latents, samplingMs }: SampledInTurns['uncached'],
  pipeline: Pipeline,
  { signal, onProgress }: CommandContext,
): Promise<DemoRun> {
  const { images, decodingMs } = await decodeImages({ pipeline, latents, signal, onProgress });
  return { samplingMs, decodingMs, images };
}

function demoPicture(uncached: DemoRun, cached: DemoRun): Promise<Uint8Array> {
  const speedUp = uncached.samplingMs / cached.samplingMs;
  return sideBySide([
    {
      label: `uncached, ${formatDuration(uncached.samplingMs)}`,
      image: imageGrid({ images: uncached.images }),
    },
    {
      label: `cached, ${formatDuration(cached.samplingMs)}: ${speedUp.toFixed(2)} times faster`,
      image: imageGrid({ images: cached.images }),
    },
  ]);
}

function report(input: {
  readonly setting: RunSetting;
  readonly jobs: readonly ImageJob[];
  readonly uncached: DemoRun;
  readonly cached: DemoRun;
  readonly savings: CacheRecord;
}): string {
  const { setting, jobs, uncached, cached, savings } = input;
  const pairs = { references: uncached.images, images: cached.images };
  const { plan, guidance } = setting;
  const head = ['', 'sampling', 'speed-up', 'by MACs', 'CUR', 'PSNR', 'SSIM', 'decoding'];
  const rows = [
    [
      'uncached',
      formatDuration(uncached.samplingMs),
      '1.00x',
      '1.00x',
      '0.0 %',
      '-',
      '-',
      formatDuration(uncached.decodingMs),
    ],
    [
      savings.name,
      formatDuration(cached.samplingMs),
      `${(uncached.samplingMs / cached.samplingMs).toFixed(2)}x`,
      `${savings.theoreticalSpeedUp.toFixed(2)}x`,
      `${(100 * savings.cacheUtilization).toFixed(1)} %`,
      `${meanPsnr(pairs).meanDb.toFixed(2)} dB`,
      meanSsim(pairs).mean.toFixed(4),
      formatDuration(cached.decodingMs),
    ],
  ];
  const guided = guidance
    ? `guidance ${guidance.scale} on ${guidance.channels} channels`
    : 'no guidance';
  return [
    `${jobs.length} images, ${plan.sampler}, ${plan.steps.length} steps, ${guided}`,
    '',
    textTable({ head, rows }),
  ].join('\n');
}

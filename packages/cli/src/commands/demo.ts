import { join } from 'node:path';
import { findRouter } from '@harmonica/emoji-dit';
import type { PixelImage } from '@harmonica/metrics';
import { heatMapOf, heatMapToPng } from '@harmonica/router';
import { type Command, Option } from 'commander';
import { type NamedDocument, readCacheDocument } from '../cache-document.js';
import type { CommandContext } from '../cli-context.js';
import { decodeImages } from '../decode-images.js';
import { formatDuration } from '../format-duration.js';
import { type ImageCloseness, imageCloseness } from '../image-closeness.js';
import { imageGrid } from '../image-grid.js';
import { imageJobs } from '../image-jobs.js';
import type { GlobalOptions } from '../option-groups.js';
import { seedsOption } from '../option-values.js';
import { prepareFolder, writeOutput } from '../output-files.js';
import { encodePng } from '../png-file.js';
import { type CacheRecord, cacheRecord } from '../run-manifest.js';
import { type RunSetting, resolveRunSetting } from '../run-setting.js';
import { type SampledInTurns, sampleInTurns } from '../sample-in-turns.js';
import type { ImageJob } from '../sample-latents.js';
import type { Session } from '../session.js';
import { sideBySide } from '../side-by-side.js';
import { textTable } from '../text-table.js';
import { useSession } from '../use-session.js';

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
    .addOption(
      new Option('--seeds <seeds>', 'one image each')
        .argParser(seedsOption)
        .default(seedsOption('0-15'), '0-15'),
    )
    .option('--out <folder>', 'where demo.png and router.png go', 'out')
    .action(async () => {
      const options = command.optsWithGlobals<DemoOptions>();
      await prepareFolder(options.out);
      const named = await readCacheDocument(options.router ?? (await findRouter(20)).name);
      await useSession({
        options,
        context,
        use: (session) => demo({ options, context, session, named }),
      });
    });
}

interface DemoInput {
  readonly options: DemoOptions;
  readonly context: CommandContext;
  readonly session: Session;
  readonly named: NamedDocument;
}

async function demo({ options, context, session, named }: DemoInput): Promise<void> {
  const { signal, onProgress } = context;
  const { model, executor } = session;
  const router = options.router ?? named.name;
  const setting = await resolveRunSetting({ options: { router }, model });
  const jobs = imageJobs(options, model.subjects);
  const { schedule } = named;
  const sampled = await sampleInTurns({
    session,
    setting,
    schedule,
    jobs,
    signal,
    onProgress,
  });
  const uncached = await decodeRun(sampled.uncached, session, context);
  const cached = await decodeRun(sampled.cached, session, context);
  const savings = cacheRecord({ name: named.name, schedule, spec: executor.spec });
  const closeness = imageCloseness({ references: uncached.images, images: cached.images });

  await writeOutput(join(options.out, 'demo.png'), demoPicture(uncached, cached));
  const map = heatMapOf({ document: named.document, branches: executor.spec.branches });
  await writeOutput(join(options.out, 'router.png'), heatMapToPng(map));
  context.stdout.write(report({ setting, jobs, uncached, cached, savings, closeness }));
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
  session: Session,
  { signal, onProgress }: CommandContext,
): Promise<DemoRun> {
  const { images, decodingMs } = await decodeImages({ session, latents, signal, onProgress });
  return { samplingMs, decodingMs, images };
}

function demoPicture(uncached: DemoRun, cached: DemoRun): Uint8Array {
  const speedUp = uncached.samplingMs / cached.samplingMs;
  const image = sideBySide([
    {
      label: `uncached, ${formatDuration(uncached.samplingMs)}`,
      image: imageGrid({ images: uncached.images }),
    },
    {
      label: `cached, ${formatDuration(cached.samplingMs)}: ${speedUp.toFixed(2)} times faster`,
      image: imageGrid({ images: cached.images }),
    },
  ]);
  return encodePng(image);
}

function report(input: {
  readonly setting: RunSetting;
  readonly jobs: readonly ImageJob[];
  readonly uncached: DemoRun;
  readonly cached: DemoRun;
  readonly savings: CacheRecord;
  readonly closeness: ImageCloseness;
}): string {
  const { setting, jobs, uncached, cached, savings, closeness } = input;
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
      `${closeness.psnrDb.toFixed(2)} dB`,
      closeness.ssim.toFixed(4),
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

import { InvalidArgumentError } from '@harmonica/core';
import {
  assertOneSize,
  imageStatistics,
  outputsFor,
  pngFiles,
  type RunningExtractor,
  STATISTICS_METRICS,
  withExtractor,
} from '@harmonica/evaluation';
import { INCEPTION_DIMENSIONS } from '@harmonica/metrics';
import { prepareFolderOf, writeOutput } from '@harmonica/pipeline';
import type { Command } from 'commander';
import type { CommandContext } from '../cli-context.js';
import type { GlobalOptions } from '../options/option-groups.js';
import { integerOption } from '../options/option-values.js';
import { startEngine } from '../terminal/use-pipeline.js';

interface StatisticsOptions extends GlobalOptions {
  readonly extractor: string;
  readonly batch: number;
  readonly out: string;
}

/** `harmonica statistics`: mean and covariance of the features of a folder of pictures, as a reference of `eval`. */
export function addStatisticsCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('statistics')
    .description('save what FID and sFID need of a folder of pictures, as a reference for eval')
    .argument('<folder>', 'PNG files of one size, in it and in those within it')
    .option('--extractor <name>', 'nsfwjs, or the file of the common FID checkpoint', 'nsfwjs')
    .option('--batch <n>', 'images at a time', integerOption({ min: 1 }), 16)
    .option('--out <file>', 'the statistics', 'out/statistics.npz')
    .action(async (folder: string) => {
      const options = command.optsWithGlobals<StatisticsOptions>();
      const files = await pngFiles(folder, '<folder>');
      assertEnough(folder, files);
      await assertOneSize(files);
      await prepareFolderOf(options.out);
      const backend = await startEngine(options, context);
      await withExtractor({
        name: options.extractor,
        outputs: outputsFor(STATISTICS_METRICS),
        backend,
        signal: context.signal,
        use: (extractor) =>
          save({ files, extractor: extractor as RunningExtractor, options, context }),
      });
    });
}

async function save(input: {
  readonly files: readonly string[];
  readonly extractor: RunningExtractor;
  readonly options: StatisticsOptions;
  readonly context: CommandContext;
}): Promise<void> {
  const { files, extractor, options, context } = input;
  const { batch: batchSize, out } = options;
  const { signal, onProgress } = context;
  await writeOutput(
    out,
    await imageStatistics({ files, extractor, batchSize, signal, onProgress }),
  );
  const { name } = extractor.extractor.identity;
  context.stdout.write(`${out}: ${files.length} images, features of ${name}\n`);
  context.stdout.write(
    `for harmonica eval: "reference": { "statistics": ${JSON.stringify(out)} }\n`,
  );
}

/** Of fewer pictures than features the distance would depend on their number more than on what they show. */
function assertEnough(folder: string, files: readonly string[]): void {
  const { features: least } = INCEPTION_DIMENSIONS;
  if (files.length >= least) return;
  throw new InvalidArgumentError({
    argument: '<folder>',
    value: folder,
    expected: `at least ${least} PNG files, as many as there are features; there are ${files.length}`,
    fix: 'Give more pictures, or name the folder itself as the reference and compare by kid.',
  });
}

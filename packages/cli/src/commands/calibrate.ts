import { InvalidArgumentError } from '@harmonica/core';
import {
  imageJobs,
  type Pipeline,
  prepareFolderOf,
  resolveRunSetting,
  sampleLatents,
  writeOutput,
} from '@harmonica/pipeline';
import { calibratedMethods, createCalibrator, formatCalibration } from '@harmonica/router';
import type { Command } from 'commander';
import type { CommandContext } from '../cli-context.js';
import {
  addImageOptions,
  addRunOptions,
  type ImageOptions,
  type RunOptions,
} from '../options/option-groups.js';
import { choiceOption, integerOption } from '../options/option-values.js';
import { fitReport } from '../terminal/training-report.js';
import { usePipeline } from '../terminal/use-pipeline.js';

interface CalibrateOptions extends RunOptions, ImageOptions {
  readonly lookback: number;
  readonly degree: number;
  readonly out: string;
}

/** `harmonica calibrate`: samples uncached, and writes what TeaCache, SmoothCache or MagCache are made from. */
export function addCalibrateCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('calibrate')
    .description('sample uncached and record what a caching method needs to know')
    .argument('<method>', calibratedMethods().join(', '), choiceOption(calibratedMethods()));
  addRunOptions(command);
  addImageOptions(command);
  command
    .option(
      '--lookback <n>',
      'of smoothcache: most steps that can be predicted in a row',
      integerOption({ min: 1 }),
      3,
    )
    .option('--degree <n>', 'of teacache: of its polynomial', integerOption({ min: 1 }), 4)
    .option('--out <file>', 'the calibration', 'out/calibration.json')
    .action(async (method: string) => {
      const options = command.optsWithGlobals<CalibrateOptions>();
      await prepareFolderOf(options.out);
      await usePipeline({
        options,
        context,
        use: (pipeline) => calibrate({ method, options, context, pipeline }),
      });
    });
}

async function calibrate(input: {
  readonly method: string;
  readonly options: CalibrateOptions;
  readonly context: CommandContext;
  readonly pipeline: Pipeline;
}): Promise<void> {
  const { method, options, context, pipeline } = input;
  const { lookback, degree, batch, out } = options;
  const { model, executor } = pipeline;
  const setting = await resolveRunSetting({ options, model });
  const { plan, guidance } = setting;
  const jobs = imageJobs({ conditions: options.class, seeds: options.seeds }, model.conditions);
  if (method === 'teacache') assertEnough(options, plan.steps.length);
  const calibrator = createCalibrator({
    method,
    lookback,
    degree,
    setting: { spec: executor.spec, modelSha256: model.sha256, plan, guidance },
  });
  await sampleLatents({
    pipeline,
    ...setting,
    cacheMethod: calibrator.cache,
    jobs,
    batchSize: batch,
    signal: context.signal,
    onProgress: context.onProgress,
    label: 'calibrating',
  });
  const training = { images: jobs.length, batchSize: batch, engine: executor.engine };
  const calibration = calibrator.calibration({ training });
  await writeOutput(out, formatCalibration(calibration));
  if (calibration.method === 'teacache') {
    const { text, warning = '' } = fitReport(calibration);
    context.stdout.write(text);
    context.stderr.write(warning);
  }
  const { runs, steps } = calibration;
  context.stdout.write(
    `${out}: ${method}, ${jobs.length} images in ${runs} runs of ${steps} steps\n`,
  );
  context.stdout.write(`for harmonica sample --policy ${method}:${out},threshold=...\n`);
}

/** A polynomial needs more points than its degree, and every run has one for each step but the first. */
function assertEnough({ seeds, batch, degree }: CalibrateOptions, steps: number): void {
  const points = Math.ceil(seeds.length / batch) * (steps - 1);
  if (points > degree) return;
  throw new InvalidArgumentError({
    argument: '--seeds',
    value: seeds.length,
    expected: `more than ${degree} steps after the first in all batches, for a polynomial of degree ${degree}; there are ${points}`,
    fix: 'Take more seeds or steps, a smaller --batch, or a lower --degree.',
  });
}

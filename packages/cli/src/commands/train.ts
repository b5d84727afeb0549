import { join, parse } from 'node:path';
import { FileError, InvalidArgumentError, type RouterFile } from '@harmonica/core';
import { heatMapOf, heatMapToPng } from '@harmonica/pictures';
import {
  cacheRecord,
  isFile,
  latentDraws,
  type Pipeline,
  prepareFolderOf,
  readText,
  resolveGuidance,
  trainingInputs,
  writeOutput,
} from '@harmonica/pipeline';
import { createProvenance, formatRouter, toSchedule } from '@harmonica/router';
import { createPlan, samplerOf, settingsIn } from '@harmonica/samplers';
import {
  assertTrainable,
  finishedRouter,
  parseTrainingState,
  type TrainingConfig,
  type TrainingState,
  type TrainRouterOptions,
  trainRouter,
} from '@harmonica/sdt';
import type { Command, Option } from 'commander';
import type { CommandContext } from '../cli-context.js';
import { addRunOptions, type RunOptions } from '../options/option-groups.js';
import { choiceOption, numberOption } from '../options/option-values.js';
import {
  addTrainingImages,
  type TrainingImagesOptions,
  trainingImages,
} from '../options/training-images.js';
import {
  addTrainingOptions,
  isTrainer,
  PRESETS,
  type PresetName,
  type TrainingOptions,
  trainingConfig,
} from '../options/training-options.js';
import { savedBy } from '../terminal/schedule-report.js';
import { createThrottle, type Throttle } from '../terminal/throttle.js';
import { createTrainingReport, type TrainingReport } from '../terminal/training-report.js';
import { usePipeline } from '../terminal/use-pipeline.js';

interface TrainOptions extends RunOptions, TrainingOptions, TrainingImagesOptions {
  readonly preset?: PresetName;
  readonly out: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly checkpointEvery: number;
}

/** `harmonica train`: learns a router, and can be stopped and resumed at any moment. */
export function addTrainCommand(program: Command, context: CommandContext): void {
  const command = program.command('train').description('learn a cache router');
  addRunOptions(command);
  const presets = Object.keys(PRESETS) as PresetName[];
  command.option('--preset <name>', `settings: ${presets.join(', ')}`, choiceOption(presets));
  addTrainingOptions(command);
  addTrainingImages(command);
  refuseTrainers(command);
  command
    .option('--out <file>', 'the router; its state and heat map go beside it', 'out/router.json')
    .option('--resume', 'go on from the state of an earlier run')
    .option('--overwrite', 'start anew although there is a state')
    .option('--checkpoint-every <s>', 'seconds between states', numberOption({ min: 0 }), 30)
    .action(async () => {
      const options = command.optsWithGlobals<TrainOptions>();
      await prepareFolderOf(options.out);
      const resume = await stateToResume(options);
      await usePipeline({
        options,
        context,
        use: (pipeline) => train({ options, context, pipeline, resume }),
      });
    });
}

/** `--method` named trainers before they had an option of their own. */
function refuseTrainers(command: Command): void {
  const option = command.options.find(({ long }) => long === '--method') as Option;
  const parse = option.parseArg as (text: string) => string;
  option.argParser((value) => {
    if (!isTrainer(value)) return parse(value);
    const expected = 'a solver of SiT, not a trainer';
    const fix = `Say --trainer ${value}.`;
    throw new InvalidArgumentError({ argument: '--method', value, expected, fix });
  });
}

/** Where a run's files are. */
function filesOf(out: string) {
  const { dir, name } = parse(out);
  return {
    router: out,
    state: join(dir, `${name}.state.json`),
    heatMap: join(dir, `${name}.png`),
  };
}

async function stateToResume(options: TrainOptions): Promise<TrainingState | undefined> {
  const { state } = filesOf(options.out);
  if (options.resume) {
    return parseTrainingState(await readText(state, 'Start a new run without --resume.'), state);
  }
  if (!options.overwrite && (await isFile(state))) {
    throw new FileError({
      path: state,
      problem: 'is the state of an earlier run',
      fix: 'Go on from it with --resume, or start anew with --overwrite.',
    });
  }
  return undefined;
}

interface TrainInput {
  readonly options: TrainOptions;
  readonly context: CommandContext;
  readonly pipeline: Pipeline;
  readonly resume: TrainingState | undefined;
}

async function train(input: TrainInput): Promise<void> {
  const { options, context, pipeline, resume } = input;
  const { executor } = pipeline;
  const files = filesOf(options.out);
  const { run, disposeInputs } = await trainingRun(input);
  const report = createTrainingReport({
    output: context.stderr,
    spec: executor.spec,
    startedAt: resume?.iteration ?? 0,
  });
  const checkpointer = createThrottle<TrainingState>({
    everyMs: 1000 * options.checkpointEvery,
    async write(state) {
      await writeOutput(files.state, `${JSON.stringify(state)}\n`);
      await writeHeatMap(files.heatMap, finishedRouter(run, state), pipeline);
    },
  });
  const watched = { run, report, checkpointer, context, state: files.state };
  const router = await trainWatched(watched).finally(disposeInputs);
  await writeOutput(files.router, formatRouter(router));
  await writeHeatMap(files.heatMap, router, pipeline);
  context.stdout.write(summaryOf(router, pipeline, files.router));
}

/** What the options ask for; where they are silent, a resumed run keeps its own settings. */
async function trainingRun({ options, context, pipeline, resume }: TrainInput): Promise<{
  readonly run: TrainRouterOptions;
  readonly disposeInputs: () => void;
}> {
  const { executor, model } = pipeline;
  const made = resume?.provenance;
  const plan = createPlan({
    ...settingsIn(options),
    process: model.process,
    sampler: options.sampler ?? (made && samplerOf(made, model.process)),
    steps: options.steps ?? (made && String(made.sampler.steps)),
  });
  const guidance = resolveGuidance({
    options,
    fallback: made?.guidance ?? model.defaultGuidance,
    latentChannels: executor.spec.latent.channels,
  });
  const preset = options.preset && PRESETS[options.preset];
  const config: TrainingConfig = trainingConfig(
    preset ?? resume?.config ?? PRESETS[options.trainer === 'l2c' ? 'l2c' : 'default'],
    options,
  );
  assertTrainable({ executor, plan, config });
  const images = await trainingImages({ options, config, pipeline, context });
  const { conditions, sha256: modelSha256 } = model;
  const { batchSize } = config;
  const { dispose: disposeInputs, ...inputs } = trainingInputs({ conditions, guidance, batchSize });
  const run = {
    executor,
    plan,
    config,
    provenance: createProvenance({
      spec: executor.spec,
      modelSha256,
      plan,
      guidance,
      ...(images && {
        training: { imageSet: { count: images.labels.length, sha256: images.sha256 } },
      }),
    }),
    signal: context.signal,
    ...inputs,
    ...(images && {
      drawLatents: latentDraws({
        set: images,
        latent: executor.spec.latent,
        condition: conditions.condition,
      }),
    }),
    ...(resume && { resume }),
  };
  return { run, disposeInputs };
}

/** Trains with reports and checkpoints; whatever ends the run, its last state is on disk. */
async function trainWatched(input: {
  readonly run: TrainRouterOptions;
  readonly report: TrainingReport;
  readonly checkpointer: Throttle<TrainingState>;
  readonly context: CommandContext;
  /** Path of the state. */
  readonly state: string;
}): Promise<RouterFile> {
  const { run, report, checkpointer, context } = input;
  try {
    return await trainRouter({
      ...run,
      onProgress: (progress) => report.progress(progress),
      onSwap: (swap) => report.swap(swap),
      async onTrajectory(state) {
        report.router(finishedRouter(run, state));
        await checkpointer.offer(state);
      },
    });
  } catch (error) {
    if (context.signal.aborted) {
      context.stderr.write(`state kept in ${input.state}; go on from it with --resume\n`);
    }
    throw error;
  } finally {
    report.finish();
    await checkpointer.flush();
  }
}

async function writeHeatMap(path: string, router: RouterFile, { executor }: Pipeline) {
  const map = heatMapOf({ document: router, branches: executor.spec.branches });
  await writeOutput(path, await heatMapToPng(map));
}

function summaryOf(router: RouterFile, { executor }: Pipeline, path: string): string {
  const schedule = toSchedule(router);
  const { expectedSpeedUp } = router.provenance.training ?? {};
  const parts = [
    savedBy(cacheRecord({ name: path, schedule, spec: executor.spec })),
    ...(typeof expectedSpeedUp === 'number'
      ? [`${expectedSpeedUp.toFixed(2)}x by measured costs`]
      : []),
    `threshold ${router.threshold.toPrecision(3)}`,
  ];
  return `${path}: ${parts.join(', ')}\n`;
}

import { join } from 'node:path';
import { listRouters } from '@harmonica/emoji-dit';
import {
  appendBenchRecord,
  type BenchRecordOptions,
  branchBench,
  branchReport,
  createBenchRecord,
  type MemoryProbe,
  memoryBench,
  memoryProbe,
  memoryReport,
  PROBE_MODES,
  type ProbeMode,
  runSelf,
  samplingBench,
  samplingReport,
  throughputBench,
  throughputReport,
  trainingBench,
  trainingMethodsBench,
  trainingMethodsReport,
  trainingReport,
} from '@harmonica/evaluation';
import {
  type CacheOptions,
  type ModelOptions,
  modelArchitecture,
  type NamedDocument,
  numberedJobs,
  type Pipeline,
  prepareFolder,
  publishedArchitecture,
  type RunSetting,
  readCacheDocument,
  resolveRunSetting,
} from '@harmonica/pipeline';
import {
  assertCompatible,
  fixedIntervalSchedule,
  intervalStart,
  predictorNames,
} from '@harmonica/router';
import { Option } from 'commander';
import type { CommandContext, RecordedCommand } from '../cli-context.js';
import { addRunOptions, type RunOptions } from '../options/option-groups.js';
import { choiceOption, integerOption } from '../options/option-values.js';
import { usePipeline } from '../terminal/use-pipeline.js';

const SECTIONS = [
  'branches',
  'throughput',
  'sampling',
  'training',
  'trainingMethods',
  'memory',
] as const;

type Section = (typeof SECTIONS)[number];

/** What stands where nothing is asked for. */
interface BenchDefaults {
  readonly sections: readonly Section[];
  readonly batch: number;
  readonly repeats: number;
}

const DEFAULTS: BenchDefaults = {
  sections: ['branches', 'sampling', 'training'],
  batch: 8,
  repeats: 5,
};

/** Of published models with random weights, most of which are large. */
const RANDOM_DEFAULTS: BenchDefaults = { sections: ['throughput'], batch: 1, repeats: 3 };

/** Steps of a run of `--throughput`: the fractions that it measures are whole numbers of calls. */
const THROUGHPUT_STEPS = '8';

interface BenchOptions extends RunOptions, Partial<Readonly<Record<Section, boolean>>> {
  readonly routers?: readonly string[];
  readonly batch: number;
  readonly microBatch?: number;
  readonly repeats: number;
  /** Whether a published model by name has random weights. */
  readonly allowRandom: true;
  readonly predictor: string;
  readonly out: string;
  readonly memoryProbe?: ProbeMode;
}

/** `harmonica bench`: ratios, measured in one run and in turns, as Markdown and as JSON lines. */
export function addBenchCommand({ program, context, argv }: RecordedCommand): void {
  const command = program
    .command('bench')
    .description(
      'measure speed (default: branches, sampling, training) and memory;\na published model such as dit-xl-2-256 has random weights (default: throughput)',
    )
    .option('--branches', 'a compiled branch and its gradient beside tfjs-wasm')
    .option('--throughput', 'ms per step, GFLOP/s and memory, uncached and at CUR 25, 37.5, 50 %')
    .option('--sampling', 'cached sampling runs beside what their MACs promise')
    .option('--training', 'one training iteration, in forward passes')
    .option('--training-methods', 'time, memory and images of Learning-to-Cache, SDT and HarmoniCa')
    .option('--memory', 'peak memory of training beside sampling');
  addRunOptions(command);
  const count = integerOption({ min: 1 });
  command
    .option('--routers <files...>', 'files or names (default: those of emoji-dit that fit)')
    .option('--batch <n>', 'images at a time (default: 8, of random models 1)', count)
    .option('--micro-batch <n>', 'samples that training works on at a time (default: 8)', count)
    .option('--repeats <n>', 'rounds that are timed (default: 5, of random models 3)', count)
    .option('--predictor <name>', 'of --training', choiceOption(predictorNames()), 'quadratic')
    .option('--out <folder>', 'where bench.jsonl goes', 'out/bench')
    .addOption(new Option('--memory-probe <mode>').argParser(choiceOption(PROBE_MODES)).hideHelp())
    .action(async () => {
      const given = command.optsWithGlobals<GivenOptions>();
      const { sections, ...defaults } = defaultsFor(given);
      const options: BenchOptions = { ...defaults, ...given, allowRandom: true };
      await bench({ options, context, argv }, askedFor(options) ?? sections);
    });
}

type GivenOptions = Omit<BenchOptions, 'batch' | 'repeats'> & Partial<BenchOptions>;

function defaultsFor({ model, architecture, dit }: ModelOptions): BenchDefaults {
  const isNamed = architecture === undefined && dit === undefined;
  return isNamed && publishedArchitecture(model) ? RANDOM_DEFAULTS : DEFAULTS;
}

function askedFor(options: BenchOptions): readonly Section[] | undefined {
  const asked = SECTIONS.filter((section) => options[section]);
  return asked.length > 0 ? asked : undefined;
}

interface BenchInput {
  readonly options: BenchOptions;
  readonly context: CommandContext;
  /** Recorded, and given to processes of its own. */
  readonly argv: readonly string[];
}

/** What a section found, as a record and for people. */
interface Measured extends Omit<BenchRecordOptions, 'argv'> {
  readonly report: string;
}

/** What is measured with the routers that fit. */
const NEED_ROUTERS: readonly Section[] = ['sampling', 'training'];

async function bench(input: BenchInput, sections: readonly Section[]): Promise<void> {
  const { options, context, argv } = input;
  if (options.memoryProbe) return probeMemory(options, options.memoryProbe, context);
  await prepareFolder(options.out);
  const run = async <Input>(
    section: Section,
    measure: (input: Input) => Promise<Measured>,
    on: Input,
  ): Promise<void> => {
    if (!sections.includes(section)) return;
    const { report, ...record } = await measure(on);
    const path = join(options.out, 'bench.jsonl');
    await appendBenchRecord(path, createBenchRecord({ ...record, argv }));
    context.stdout.write(report);
  };
  await run('branches', benchBranches, input);
  if (sections.some((section) => !['branches', 'memory'].includes(section))) {
    const use = async (pipeline: Pipeline) => {
      await run('throughput', benchThroughput, { ...input, pipeline });
      await run('trainingMethods', benchMethods, { ...input, pipeline });
      if (sections.every((section) => !NEED_ROUTERS.includes(section))) return;
      const prepared = await prepare({ ...input, pipeline });
      await run('sampling', benchSampling, prepared);
      await run('training', benchTraining, prepared);
    };
    await usePipeline({ options, context, use });
  }
  await run('memory', benchMemory, input);
}

interface PipelineBench extends BenchInput {
  readonly pipeline: Pipeline;
}

interface PreparedBench extends PipelineBench {
  readonly setting: RunSetting;
  readonly routers: readonly NamedDocument[];
}

/** The run that everything is measured on, and the routers that fit it. */
async function prepare(input: PipelineBench): Promise<PreparedBench> {
  const { options, pipeline } = input;
  const { model } = pipeline;
  const names = options.routers ?? (await shippedRouters(options));
  const routers = await Promise.all(names.map(readCacheDocument));
  const [first] = names;
  const setting = await settingFor({ ...options, router: first }, model);
  const { plan, guidance } = setting;
  for (const { document } of routers) {
    const { spec } = model.backbone;
    assertCompatible(document, { spec, plan, modelSha256: model.sha256, guidance });
  }
  return { ...input, routers, setting };
}

/** `--predictor` is of --training, not of a policy. */
function settingFor(
  { predictor: _, ...options }: BenchOptions & Pick<CacheOptions, 'router'>,
  model: Pipeline['model'],
): Promise<RunSetting> {
  return resolveRunSetting({ options, model });
}

async function shippedRouters(options: BenchOptions): Promise<readonly string[]> {
  if (options.model !== 'emoji-dit') return [];
  const { sampler = 'ddim', steps = '20' } = options;
  const routers = await listRouters();
  return routers
    .filter((router) => router.sampler === sampler && String(router.steps) === steps)
    .map(({ name }) => name);
}

async function benchBranches({ options, context }: BenchInput): Promise<Measured> {
  const { model, architecture: named = options.dit, repeats, threads } = options;
  const batch = 2 * options.batch;
  const architecture = await modelArchitecture({ model: named ?? model });
  const { signal } = context;
  const results = await branchBench({ architecture, batch, repeats, threads, signal });
  const settings = { model: architecture.spec.name, batch, repeats };
  return { name: 'branches', settings, results, report: branchReport(results) };
}

async function benchThroughput(input: PipelineBench): Promise<Measured> {
  const { options, context, pipeline } = input;
  const { model } = pipeline;
  const { steps = THROUGHPUT_STEPS, batch, repeats } = options;
  const setting = await settingFor({ ...options, steps }, model);
  const jobs = numberedJobs(batch, model.conditions);
  const { signal } = context;
  const results = await throughputBench({ pipeline, setting, jobs, repeats, signal });
  const { random = false } = model;
  const { name } = pipeline.executor.spec;
  const samples = setting.guidance ? 2 * batch : batch;
  const report = throughputReport({ results, model: name, random, samples });
  const settings = { ...settingsOf({ ...input, setting }), random };
  return { name: 'throughput', settings, results, report };
}

async function benchSampling(input: PreparedBench): Promise<Measured> {
  const { options, context, pipeline, setting, routers } = input;
  const { branches } = pipeline.executor.spec;
  const steps = setting.plan.steps.length;
  const predictor = 'quadratic';
  const start = intervalStart({ steps, predictor });
  const schedule = fixedIntervalSchedule({ steps, branches, interval: 2, predictor, ...start });
  const interval = { name: `interval-2-${predictor}`, schedule };
  const jobs = numberedJobs(options.batch, pipeline.model.conditions);
  const { repeats } = options;
  const { signal } = context;
  const results = [];
  for (const cache of routers.length > 0 ? routers : [interval]) {
    results.push(await samplingBench({ pipeline, setting, cache, jobs, repeats, signal }));
  }
  return {
    name: 'sampling',
    settings: settingsOf(input),
    results,
    report: samplingReport(results),
  };
}

async function benchTraining(input: PreparedBench): Promise<Measured> {
  const { options, context, pipeline, setting } = input;
  const { batch: batchSize, microBatch, predictor, repeats } = options;
  const sizes = { batchSize, microBatch, predictor, repeats };
  const results = await trainingBench({ pipeline, setting, ...sizes, signal: context.signal });
  return {
    name: 'training',
    settings: settingsOf(input),
    results,
    report: trainingReport(results),
  };
}

async function benchMethods(input: PipelineBench): Promise<Measured> {
  const { options, context, pipeline } = input;
  const { batch: batchSize, microBatch, repeats } = options;
  const setting = await settingFor(options, pipeline.model);
  const sizes = { batchSize, microBatch, repeats };
  const { signal } = context;
  const probe = probeSelf(input);
  const results = await trainingMethodsBench({ pipeline, setting, ...sizes, probe, signal });
  const settings = settingsOf({ ...input, setting });
  return { name: 'training-methods', settings, results, report: trainingMethodsReport(results) };
}

async function benchMemory(input: BenchInput): Promise<Measured> {
  const { model, batch, microBatch, repeats, predictor } = input.options;
  const { signal } = input.context;
  const results = await memoryBench({ probe: probeSelf(input), repeats, signal });
  const settings = { model, batch, microBatch, repeats, predictor };
  return { name: 'memory', settings, results, report: memoryReport(results) };
}

/** Reads the memory of this very command in a process of its own. */
function probeSelf({ argv, context }: BenchInput) {
  return (mode: ProbeMode) =>
    runSelf<MemoryProbe>([...argv, '--memory-probe', mode], context.signal);
}

async function probeMemory(
  options: BenchOptions,
  mode: ProbeMode,
  context: CommandContext,
): Promise<void> {
  const { batch: batchSize, microBatch, predictor } = options;
  const { signal } = context;
  const probe = await usePipeline({
    options,
    context,
    use: async (pipeline) => {
      const setting = await settingFor(options, pipeline.model);
      return memoryProbe({ mode, pipeline, setting, batchSize, microBatch, predictor, signal });
    },
  });
  context.stdout.write(`${JSON.stringify(probe)}\n`);
}

function settingsOf({
  options,
  pipeline,
  setting,
}: Pick<PreparedBench, 'options' | 'pipeline' | 'setting'>) {
  const { plan, guidance = null } = setting;
  return {
    model: pipeline.executor.spec.name,
    modelSha256: pipeline.model.sha256,
    engine: pipeline.executor.engine,
    sampler: plan.sampler,
    steps: plan.steps.length,
    guidance,
    batch: options.batch,
    repeats: options.repeats,
  };
}

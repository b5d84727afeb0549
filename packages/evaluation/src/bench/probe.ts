import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { EngineError, measureRounds, throwIfAborted } from '@harmonica/core';
import { summarize } from '@harmonica/metrics';
import {
  numberedJobs,
  type Pipeline,
  type RunSetting,
  sampleLatents,
  trainingInputs,
} from '@harmonica/pipeline';
import { createProvenance } from '@harmonica/router';
import {
  type DrawLatents,
  defaultConfig,
  l2cConfig,
  paperConfig,
  type TrainingConfig,
  trainRouter,
} from '@harmonica/sdt';
import { tensor4d } from '@tensorflow/tfjs-core';

/** Learning-to-Cache, SDT with its loss, and HarmoniCa. */
export const TRAINING_METHODS = ['l2c', 'sdt', 'harmonica'] as const;

/** One of {@link TRAINING_METHODS}. */
export type TrainingMethod = (typeof TRAINING_METHODS)[number];

/** What a process is made to do before its memory is read: to sample, to train as is the default, or by a method. */
export const PROBE_MODES = ['sampling', 'training', ...TRAINING_METHODS] as const;

/** One of {@link PROBE_MODES}. */
export type ProbeMode = (typeof PROBE_MODES)[number];

/** Options of {@link memoryProbe}. */
export interface MemoryProbeOptions {
  readonly mode: ProbeMode;
  readonly pipeline: Pick<Pipeline, 'executor' | 'model'>;
  /** For `l2c` of DDIM with an even number of steps. */
  readonly setting: Pick<RunSetting, 'plan' | 'guidance'>;
  /** Images of a trajectory. Learning-to-Cache takes as many samples as the model then runs on, guidance included. */
  readonly batchSize: number;
  /** Samples that training works on at a time. Default: that of the training config. */
  readonly microBatch?: number | undefined;
  /** Of `training`; methods have their own. Default: that of the training config. */
  readonly predictor?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What one process found. */
export interface MemoryProbe {
  readonly mode: ProbeMode;
  readonly peakBytes: number;
  /** One token tensor `[batch, tokens, width]` for each branch, guidance's halves included. */
  readonly tokenBytes: number;
}

/**
 * Samples one uncached batch or trains for one trajectory, and reads the peak memory of this process. Meant for a process
 * of its own, which {@link runSelf} starts.
 */
export async function memoryProbe(options: MemoryProbeOptions): Promise<MemoryProbe> {
  const { mode, pipeline, setting, batchSize, signal } = options;
  const { executor, model } = pipeline;
  if (mode === 'sampling') {
    const jobs = numberedJobs(batchSize, model.conditions);
    await sampleLatents({ ...setting, pipeline, jobs, batchSize, signal });
  } else await trainOnce({ ...options, mode });
  const { branches, tokens } = executor.spec;
  const samples = samplesOf(setting, batchSize);
  const tokenBytes = branches.length * samples * tokens.count * tokens.width * 4;
  return { mode, peakBytes: peakMemoryBytes(), tokenBytes };
}

/** Peak memory of training beside that of uncached sampling. */
export interface MemoryResult {
  /** Medians over processes. */
  readonly samplingBytes: number;
  readonly trainingBytes: number;
  readonly tokenBytes: number;
  /** `(training - sampling) / tokenBytes`: at most 1 if training holds no more than one token tensor per branch. */
  readonly extraInTokenTensors: number;
}

/** Options of {@link memoryBench}. */
export interface MemoryBenchOptions {
  /** Runs {@link memoryProbe} in a fresh process. */
  readonly probe: (mode: 'sampling' | 'training') => Promise<MemoryProbe>;
  /** Processes of each mode. */
  readonly repeats: number;
  readonly signal?: AbortSignal | undefined;
}

/** Reads the peak memory of sampling and of training in fresh processes, in turns. @throws as `probe` */
export async function memoryBench(options: MemoryBenchOptions): Promise<MemoryResult> {
  const { probe, repeats, signal } = options;
  const rounds = await measureRounds({ warmup: 0, repeats, signal }, async () => {
    const sampling = await probe('sampling');
    throwIfAborted(signal, 'The measurement');
    return { sampling, training: await probe('training') };
  });
  const median = (mode: 'sampling' | 'training') =>
    summarize(rounds.map(({ [mode]: { peakBytes } }) => peakBytes)).median;
  const samplingBytes = median('sampling');
  const trainingBytes = median('training');
  const tokenBytes = rounds.at(-1)?.training.tokenBytes as number;
  const extraInTokenTensors = (trainingBytes - samplingBytes) / tokenBytes;
  return { samplingBytes, trainingBytes, tokenBytes, extraInTokenTensors };
}

/** What the model runs on for so many images. */
export function samplesOf({ guidance }: MemoryProbeOptions['setting'], images: number): number {
  return guidance ? 2 * images : images;
}

/** Options of {@link trainOnce}. */
export interface TrainOnceOptions extends MemoryProbeOptions {
  readonly mode: Exclude<ProbeMode, 'sampling'>;
}

/**
 * Trains for one trajectory of T - 1 updates or T / 2 pairs, HarmoniCa with the refresh of lambda before it. What stands for
 * images is random: that changes no time.
 */
export async function trainOnce(options: TrainOnceOptions): Promise<void> {
  const { pipeline, setting, signal } = options;
  const { executor, model } = pipeline;
  const { plan, guidance } = setting;
  const { spec } = executor;
  const config = configOf(options);
  const { batchSize, trainer } = config;
  const inputs = trainingInputs({ conditions: model.conditions, guidance, batchSize });
  const drawLatents: DrawLatents = (rng, size) => {
    const { height, width, channels } = spec.latent;
    const values = rng.fillNormal(new Float32Array(size * height * width * channels));
    const latent = tensor4d(values, [size, height, width, channels]);
    return { latent, condition: inputs.drawCondition(rng, size) };
  };
  await trainRouter({
    executor,
    plan,
    config,
    ...(trainer === 'l2c' && { drawLatents }),
    ...inputs,
    provenance: createProvenance({ spec, modelSha256: model.sha256, plan, guidance }),
    ...(signal && { signal }),
  }).finally(() => inputs.dispose());
}

function configOf(options: TrainOnceOptions): TrainingConfig {
  const { mode, setting, batchSize, microBatch } = options;
  const { predictor = defaultConfig.predictor } = options;
  const steps = setting.plan.steps.length;
  const whole = { batchSize, microBatch, iterations: steps - 1 };
  switch (mode) {
    case 'training':
      return { ...defaultConfig, ...whole, predictor };
    case 'l2c':
      return {
        ...l2cConfig,
        batchSize: samplesOf(setting, batchSize),
        microBatch,
        iterations: steps / 2,
      };
    case 'sdt':
      return { ...paperConfig, ...whole, proxy: 'uniform' };
    case 'harmonica':
      return { ...paperConfig, ...whole };
  }
}

/**
 * Runs this very program again with other arguments and reads the JSON that it prints.
 *
 * @throws {@link EngineError} with the last line of its errors, if it fails
 */
export async function runSelf<T>(args: readonly string[], signal?: AbortSignal): Promise<T> {
  const command = [...process.execArgv, process.argv[1] as string, ...args];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, command, { signal });
    return JSON.parse(stdout) as T;
  } catch (cause) {
    throwIfAborted(signal, 'The measurement'); // Ctrl-C reaches the child as well, which then ends by itself
    const { stderr = '' } = cause as { stderr?: string };
    const reason = stderr.trim().split('\n').at(-1);
    throw new EngineError({ engine: 'node', operation: `a process of its own (${reason})`, cause });
  }
}

/**
 * Most memory that this process has had resident so far, in bytes. On Linux the kernel's high-water mark of this
 * program (`VmHWM`); elsewhere `getrusage`, which on some systems includes the parent before it started this process.
 */
export function peakMemoryBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const [, kibibytes] =
    /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { EngineError, type PredictorName, throwIfAborted } from '@harmonica/core';
import { summarize } from '@harmonica/metrics';
import {
  numberedJobs,
  type Pipeline,
  type RunSetting,
  sampleLatents,
  trainingInputs,
} from '@harmonica/pipeline';
import { createProvenance } from '@harmonica/router';
import { defaultConfig, trainRouter } from '@harmonica/sdt';

/** What a process is made to do before its memory is read. */
export const MEMORY_MODES = ['sampling', 'training'] as const;

export type MemoryMode = (typeof MEMORY_MODES)[number];

/** What one process found. */
export interface MemoryProbe {
  readonly mode: MemoryMode;
  readonly peakBytes: number;
  /** One token tensor `[batch, tokens, width]` for each branch, guidance's halves included. */
  readonly tokenBytes: number;
}

/** Options of {@link memoryProbe}. */
interface MemoryProbeOptions {
  readonly mode: MemoryMode;
  readonly pipeline: Pipeline;
  readonly setting: RunSetting;
  /** Images. */
  readonly batchSize: number;
  /** Of the config. */
  readonly microBatch?: number | undefined;
  readonly predictor: PredictorName;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Samples one uncached batch, or trains for one trajectory with its refresh of lambda, and reads the peak memory of
 * this process. Meant for a process of its own.
 */
export async function memoryProbe(options: MemoryProbeOptions): Promise<MemoryProbe> {
  const { mode, pipeline, setting, batchSize } = options;
  const { spec } = pipeline.executor;
  if (mode === 'sampling') await sampleOnce(options);
  else await trainOnce(options);
  const samples = setting.guidance ? 2 * batchSize : batchSize;
  const { count, width } = spec.tokens;
  const tokenBytes = spec.branches.length * samples * count * width * 4;
  return { mode, peakBytes: peakMemoryBytes(), tokenBytes };
}

async function sampleOnce({ pipeline, setting, batchSize, signal }: MemoryProbeOptions) {
  const jobs = numberedJobs(batchSize, pipeline.model.conditions);
  await sampleLatents({ ...setting, pipeline, jobs, batchSize, signal });
}

async function trainOnce(options: MemoryProbeOptions): Promise<void> {
  const { pipeline, setting, batchSize, microBatch, predictor, signal } = options;
  const { executor, model } = pipeline;
  const { plan, guidance } = setting;
  const inputs = trainingInputs({ conditions: model.conditions, guidance, batchSize });
  await trainRouter({
    executor,
    plan,
    ...inputs,
    config: {
      ...defaultConfig,
      batchSize,
      microBatch,
      predictor,
      iterations: plan.steps.length - 1,
    },
    provenance: createProvenance({
      spec: executor.spec,
      modelSha256: model.sha256,
      plan,
      guidance,
    }),
    ...(signal && { signal }),
  }).finally(() => inputs.dispose());
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
interface MemoryBenchOptions {
  /** Runs {@link memoryProbe} in a fresh process. */
  readonly probe: (mode: MemoryMode) => Promise<MemoryProbe>;
  /** Processes of each mode. */
  readonly repeats: number;
  readonly signal?: AbortSignal | undefined;
}

/** Reads the peak memory of sampling and of training in fresh processes, in turns. */
export async function memoryBench(options: MemoryBenchOptions): Promise<MemoryResult> {
  const { probe, repeats, signal } = options;
  const peaks: Record<MemoryMode, number[]> = { sampling: [], training: [] };
  let tokenBytes = 0;
  for (let round = 0; round < repeats; round++) {
    for (const mode of MEMORY_MODES) {
      throwIfAborted(signal, 'The measurement');
      const result = await probe(mode);
      peaks[mode].push(result.peakBytes);
      tokenBytes = result.tokenBytes;
    }
  }
  const samplingBytes = summarize(peaks.sampling).median;
  const trainingBytes = summarize(peaks.training).median;
  const extraInTokenTensors = (trainingBytes - samplingBytes) / tokenBytes;
  return { samplingBytes, trainingBytes, tokenBytes, extraInTokenTensors };
}

/**
 * Runs this very program again with other arguments and reads the JSON that it prints.
 *
 * @throws {@link EngineError} with the last line of its errors, if it fails
 */
export async function runSelf<T>(args: readonly string[], signal?: AbortSignal): Promise<T> {
  const command = [...process.execArgv, process.argv[1] as string, ...args];
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal && { signal }),
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text.stdout += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    text.stderr += part;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  }).catch((cause: unknown) => {
    throwIfAborted(signal, 'The measurement');
    throw new EngineError({ engine: 'node', operation: 'starting a process', cause });
  });
  throwIfAborted(signal, 'The measurement'); // Ctrl-C reaches the child as well, which then ends by itself
  if (status === 0) return JSON.parse(text.stdout) as T;
  const reason = text.stderr.trim().split('\n').at(-1);
  throw new EngineError({ engine: 'node', operation: `a process of its own (${reason})` });
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

import { measureRounds, throwIfAborted } from '@harmonica/core';
import { summarize } from '@harmonica/metrics';
import type { MemoryProbe } from './probe.js';

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

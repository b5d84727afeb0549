import { Presets, SingleBar } from 'cli-progress';
import type { TextOutput } from './cli-context.js';

/** What a running command shows of its progress. */
export interface ProgressBar {
  /** Sets how much of the total is done. */
  update(done: number): void;
  /** Adds to what is done. Default 1. */
  increment(by?: number): void;
  stop(): void;
}

/** Options of {@link startProgressBar}. */
export interface ProgressBarOptions {
  readonly output: TextOutput;
  /** What is going on, such as `sampling`. */
  readonly label: string;
  readonly total: number;
}

/** A progress bar with an estimate of the time left; nothing at all unless a terminal watches. */
export function startProgressBar({ output, label, total }: ProgressBarOptions): ProgressBar {
  if (!output.isTTY) return { update: () => {}, increment: () => {}, stop: () => {} };
  const bar = new SingleBar(
    {
      format: `${label.padEnd(12)} {bar} {percentage}% | {value}/{total} | {eta_formatted} left`,
      stream: output as NodeJS.WritableStream,
      hideCursor: true,
      clearOnComplete: true,
      etaBuffer: 20,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return {
    update: (done) => bar.update(done),
    increment: (by = 1) => bar.increment(by),
    stop: () => bar.stop(),
  };
}

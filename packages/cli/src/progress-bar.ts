import type { OnProgress } from '@harmonica/core';
import { Presets, SingleBar } from 'cli-progress';
import type { TextOutput } from './cli-context.js';

/** Progress bars, one after the other. */
export interface ProgressBars {
  readonly onProgress: OnProgress;
  /** Takes away the bar that is there, if one is. */
  stop(): void;
}

/**
 * Shows each stretch of work as a bar with an estimate of the time left, which goes when the work is done; nothing at all
 * unless a terminal watches.
 */
export function createProgressBars(output: TextOutput): ProgressBars {
  if (!output.isTTY) return { onProgress: () => {}, stop: () => {} };
  let shown: { readonly label: string; readonly bar: SingleBar } | undefined;
  const stop = (): void => {
    shown?.bar.stop();
    shown = undefined;
  };
  return {
    stop,
    onProgress({ label, done, total }) {
      if (shown?.label !== label || done === 0) {
        stop();
        shown = { label, bar: startBar(output, label, total) };
      }
      shown.bar.update(done);
      if (done >= total) stop();
    },
  };
}

function startBar(output: TextOutput, label: string, total: number): SingleBar {
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
  return bar;
}

import type { OnProgress } from '@harmonica/core';
import { Presets, SingleBar } from 'cli-progress';
import type { TextOutput } from '../cli-context.js';
import { createThrottle } from './throttle.js';

/** Progress bars, one after the other. */
interface ProgressBars {
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

/** Text on a terminal that is drawn over again. */
interface LiveView {
  /** Replaces what the view shows; drawn if some time has passed since the last drawing. */
  show(text: string): void;
  /** Draws the last text now. */
  draw(): void;
}

/** Options of {@link createLiveView}. */
interface LiveViewOptions {
  readonly output: TextOutput;
  /** Least time between two drawings, in ms. Default 200 on a terminal, 10,000 elsewhere. */
  readonly everyMs?: number;
  /** Clock in ms. Default `performance.now`. */
  readonly now?: () => number;
}

const UP_AND_CLEAR = (lines: number): string => `\u001b[${lines}F\u001b[0J`;

/**
 * A view that redraws itself in place on a terminal, and elsewhere prints its first line now and then, as a log wants
 * it.
 */
export function createLiveView(options: LiveViewOptions): LiveView {
  const { output, now } = options;
  const { everyMs = output.isTTY ? 200 : 10_000 } = options;
  let drawnLines = 0;
  const write = (text: string): void => {
    const lines = text.trimEnd().split('\n');
    if (output.isTTY) {
      output.write(`${drawnLines > 0 ? UP_AND_CLEAR(drawnLines) : ''}${lines.join('\n')}\n`);
      drawnLines = lines.length;
    } else output.write(`${lines[0]}\n`);
  };
  const view = createThrottle({ everyMs, write, now });
  return {
    draw: () => void view.flush(),
    show: (text) => void view.offer(text),
  };
}

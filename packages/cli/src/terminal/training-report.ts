import type { BackboneSpec, RouterFile } from '@harmonica/core';
import { heatMapOf, heatMapToTerminal } from '@harmonica/pictures';
import { cacheRecord } from '@harmonica/pipeline';
import { type PolynomialFit, toSchedule } from '@harmonica/router';
import type { SwapProgress, TrainingProgress } from '@harmonica/sdt';
import type { TextOutput } from '../cli-context.js';
import { createLiveView } from './progress-bar.js';
import { formatDuration, terminalStyle } from './terminal-style.js';

/** Shows how training goes: a line of numbers, and on a terminal the heat map of the router. */
export interface TrainingReport {
  /** The router as it stands, after each trajectory. */
  router(router: RouterFile): void;
  progress(progress: TrainingProgress): void;
  swap(swap: SwapProgress): void;
  finish(): void;
}

/** Options of {@link createTrainingReport}. */
interface TrainingReportOptions {
  readonly output: TextOutput;
  readonly spec: BackboneSpec;
  /** Updates done before this run. */
  readonly startedAt: number;
  /** Clock in ms. Default `performance.now`. */
  readonly now?: () => number;
}

/** A report on `output`. */
export function createTrainingReport(options: TrainingReportOptions): TrainingReport {
  const { output, spec, startedAt, now = () => performance.now() } = options;
  const view = createLiveView({ output, now });
  const began = now();
  let latest: (() => string) | undefined;
  let savings = '';
  let heatMap = '';
  const show = (): void => {
    if (!latest) return;
    const line = latest();
    const visible = output.isTTY ? line.slice(0, (output.columns ?? 80) - 1) : line;
    view.show(`${visible}\n\n${heatMap}`);
  };
  return {
    router(router) {
      savings = describeSavings(router, spec);
      if (output.isTTY) {
        const map = heatMapOf({ document: router, branches: spec.branches });
        heatMap = heatMapToTerminal(map, terminalStyle(output));
      }
      show();
      if (output.isTTY) view.draw();
    },
    progress(progress) {
      const { iteration, iterations } = progress;
      const perUpdateMs = (now() - began) / (iteration - startedAt);
      const leftMs = perUpdateMs * Math.max(0, iterations - iteration);
      latest = () => progressLine(progress, savings, leftMs);
      show();
    },
    swap(swap) {
      latest = () => swapLine(swap);
      show();
    },
    finish: () => view.draw(),
  };
}

function progressLine(progress: TrainingProgress, savings: string, leftMs: number): string {
  const { iteration, iterations, data, penalty, loss, beta } = progress;
  return [
    `update ${iteration}/${iterations}`,
    savings,
    `loss ${scientific(loss)} = data ${scientific(data)} + penalty ${scientific(penalty)}`,
    `beta ${scientific(beta)}`,
    `${formatDuration(leftMs)} left`,
  ].join('  ');
}

/** 10 / ln 10: dB of a natural logarithm. */
const DECIBELS = 10 / Math.log(10);

function swapLine({ swap, before, after, round, rounds }: SwapProgress): string {
  const what = swap
    ? `step ${swap.computed} computed instead of ${swap.predicted}`
    : 'nothing better found';
  return `swap ${round}/${rounds}  ${what}  ${(DECIBELS * (before - after)).toFixed(2)} dB closer`;
}

function describeSavings(router: RouterFile, spec: BackboneSpec): string {
  const schedule = toSchedule(router);
  const { cacheUtilization, theoreticalSpeedUp } = cacheRecord({ name: 'router', schedule, spec });
  return `CUR ${(100 * cacheUtilization).toFixed(1)} %  ${theoreticalSpeedUp.toFixed(2)}x`;
}

function scientific(value: number): string {
  return value.toExponential(2);
}

/** R squared below which a fit is called poor. */
const POOR_FIT = 0.8;

/** How well a polynomial describes the points of a calibration, and a warning if it does not. */
export function fitReport({ coefficients, rSquared, samples }: PolynomialFit): {
  readonly text: string;
  readonly warning?: string;
} {
  const degree = coefficients.length - 1;
  const text = `polynomial of degree ${degree} through ${samples} points: R squared ${rSquared.toFixed(3)}\n`;
  if (rSquared >= POOR_FIT) return { text };
  const warning =
    `warning: an R squared below ${POOR_FIT} is poor: the input of this model says little about its output. ` +
    'Take more --seeds, or another method.\n';
  return { text, warning };
}

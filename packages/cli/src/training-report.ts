import type { BackboneSpec, RouterFile } from '@harmonica/core';
import { heatMapOf, heatMapToTerminal, toSchedule } from '@harmonica/router';
import type { TrainingProgress } from '@harmonica/sdt';
import type { TextOutput } from './cli-context.js';
import { formatDuration } from './format-duration.js';
import { createLiveView } from './live-view.js';
import { cacheRecord } from './run-manifest.js';
import { terminalStyle } from './terminal-style.js';

/** Shows how training goes: a line of numbers, and on a terminal the heat map of the router. */
export interface TrainingReport {
  /** The router as it stands, after each trajectory. */
  router(router: RouterFile): void;
  progress(progress: TrainingProgress): void;
  finish(): void;
}

/** Options of {@link createTrainingReport}. */
export interface TrainingReportOptions {
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
  let latest: TrainingProgress | undefined;
  let leftMs = 0;
  let savings = '';
  let heatMap = '';
  const show = (): void => {
    if (!latest) return;
    const line = progressLine({ progress: latest, savings, leftMs });
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
      leftMs = perUpdateMs * Math.max(0, iterations - iteration);
      latest = progress;
      show();
    },
    finish: () => view.draw(),
  };
}

function progressLine(input: {
  readonly progress: TrainingProgress;
  readonly savings: string;
  readonly leftMs: number;
}): string {
  const { progress, savings, leftMs } = input;
  const { iteration, iterations, data, penalty, loss, beta } = progress;
  return [
    `update ${iteration}/${iterations}`,
    savings,
    `loss ${scientific(loss)} = data ${scientific(data)} + penalty ${scientific(penalty)}`,
    `beta ${scientific(beta)}`,
    `${formatDuration(leftMs)} left`,
  ].join('  ');
}

function describeSavings(router: RouterFile, spec: BackboneSpec): string {
  const schedule = toSchedule(router);
  const { cacheUtilization, theoreticalSpeedUp } = cacheRecord({ name: 'router', schedule, spec });
  return `CUR ${(100 * cacheUtilization).toFixed(1)} %  ${theoreticalSpeedUp.toFixed(2)}x`;
}

function scientific(value: number): string {
  return value.toExponential(2);
}

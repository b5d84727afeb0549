import { markdownTable } from '@harmonica/pictures';
import type { BranchTiming } from './branches.js';
import type { MemoryResult } from './memory.js';
import type { TrainingMethod } from './probe.js';
import type { SamplingTiming, Throughput } from './sampling.js';
import type { TrainingTiming } from './training.js';
import { type MethodCost, UPDATES } from './training-methods.js';

/** Compiled branches beside tfjs-wasm, as Markdown. */
export function branchReport(timings: readonly BranchTiming[]): string {
  return section('Branches: tfjs-wasm beside compiled ONNX', {
    head: ['branch', 'wasm ms', 'onnx ms', 'times faster'],
    rows: timings.map(({ kind, what, wasmMs, onnxMs, ratio }) => [
      `${kind} ${what}`,
      wasmMs.toFixed(2),
      onnxMs.toFixed(2),
      ratio.toFixed(1),
    ]),
  });
}

/** Cached sampling runs beside uncached ones, as Markdown. */
export function samplingReport(timings: readonly SamplingTiming[]): string {
  return section('Sampling: cached beside uncached', {
    head: ['schedule', 'CUR', 'uncached ms', 'cached ms', 'speed-up', 'by MACs', 'of it reached'],
    rows: timings.map((timing) => [
      timing.name,
      percent(timing.cacheUtilization),
      timing.uncachedMs.toFixed(0),
      timing.cachedMs.toFixed(0),
      `${timing.measuredSpeedUp.toFixed(3)}x`,
      `${timing.theoreticalSpeedUp.toFixed(3)}x`,
      percent(timing.efficiency),
    ]),
  });
}

/** Options of {@link throughputReport}. */
export interface ThroughputReportOptions {
  readonly results: readonly Throughput[];
  readonly model: string;
  readonly random: boolean;
  /** Samples that the model runs on at a time, the halves of guidance included. */
  readonly samples: number;
}

/** How fast a model is uncached and cached, as Markdown. */
export function throughputReport(options: ThroughputReportOptions): string {
  const { results, model, random, samples } = options;
  const weights = random ? ' with random weights' : '';
  return section(`Throughput: ${model}${weights}, ${samples} at a time, guidance included`, {
    head: ['CUR', 'ms per step', 'GFLOP/s', 'speed-up', 'by MACs', 'peak memory MiB'],
    rows: results.map((result) => [
      result.cacheUtilization === 0 ? 'uncached' : percent(result.cacheUtilization),
      result.msPerStep.toFixed(0),
      result.gigaflopsPerSecond.toFixed(1),
      `${result.speedUp.toFixed(3)}x`,
      `${result.theoreticalSpeedUp.toFixed(3)}x`,
      mebibytes(result.peakBytes),
    ]),
  });
}

/** A training iteration beside a forward pass, as Markdown. */
export function trainingReport(timing: TrainingTiming): string {
  return section('Training: one iteration beside one forward pass', {
    head: ['predictor', 'iteration ms', 'forward ms', 'forwards'],
    rows: [
      [
        timing.predictor,
        timing.iterationMs.toFixed(0),
        timing.forwardMs.toFixed(0),
        timing.iterationInForwards.toFixed(2),
      ],
    ],
  });
}

const METHOD_NAMES: Readonly<Record<TrainingMethod, string>> = {
  l2c: 'Learning-to-Cache',
  sdt: "SDT, Learning-to-Cache's loss",
  harmonica: 'HarmoniCa',
};

/** Wall time of training over that of Learning-to-Cache, of DiT-XL/2 256 on four H800 (HarmoniCa, 2025). */
const PAPER_RATIOS: Readonly<Record<TrainingMethod, number>> = {
  l2c: 1,
  sdt: 1.47 / 2.15,
  harmonica: 1.63 / 2.15,
};

/** What training methods cost beside Learning-to-Cache, as Markdown. */
export function trainingMethodsReport(costs: readonly MethodCost[]): string {
  return section(`Training methods: one update, and images of ${UPDATES} updates`, {
    head: [
      'method',
      'samples of an update',
      'update ms',
      'encoding ms',
      'over L2C',
      'with encoding',
      'in the paper',
      'images',
      'peak memory MiB',
    ],
    rows: costs.map((cost) => [
      METHOD_NAMES[cost.method],
      String(cost.samples),
      cost.updateMs.toFixed(0),
      cost.encodingMs?.toFixed(0) ?? '-',
      cost.overL2c.toFixed(2),
      cost.overL2cEncoding?.toFixed(2) ?? '-',
      PAPER_RATIOS[cost.method].toFixed(2),
      String(cost.images),
      mebibytes(cost.peakBytes),
    ]),
  });
}

/** Peak memory of training beside sampling, as Markdown. */
export function memoryReport(result: MemoryResult): string {
  return section('Memory: peak resident set, a fresh process for each run', {
    head: [
      'uncached sampling MiB',
      'training MiB',
      'a token tensor per branch MiB',
      'extra / that',
    ],
    rows: [
      [
        mebibytes(result.samplingBytes),
        mebibytes(result.trainingBytes),
        mebibytes(result.tokenBytes),
        result.extraInTokenTensors.toFixed(2),
      ],
    ],
  });
}

function section(title: string, table: Parameters<typeof markdownTable>[0]): string {
  return `\n### ${title}\n\n${markdownTable(table)}`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}

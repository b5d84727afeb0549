import { markdownTable } from '@harmonica/pictures';
import type { BranchTiming } from './branches.js';
import type { MemoryResult, TrainingMethod } from './probe.js';
import type { SamplingTiming, Throughput } from './sampling.js';
import type { TrainingTiming } from './training.js';
import { type MethodCost, UPDATES } from './training-methods.js';

/** Compiled branches beside tfjs-wasm, as Markdown. */
export function branchReport(timings: readonly BranchTiming[]): string {
  return section('Branches: tfjs-wasm beside compiled ONNX', timings, {
    branch: ({ kind, what }) => `${kind} ${what}`,
    'wasm ms': ({ wasmMs }) => wasmMs.toFixed(2),
    'onnx ms': ({ onnxMs }) => onnxMs.toFixed(2),
    'times faster': ({ ratio }) => ratio.toFixed(1),
  });
}

/** Cached sampling runs beside uncached ones, as Markdown. */
export function samplingReport(timings: readonly SamplingTiming[]): string {
  return section('Sampling: cached beside uncached', timings, {
    schedule: ({ name }) => name,
    CUR: ({ cacheUtilization }) => percent(cacheUtilization),
    'uncached ms': ({ uncachedMs }) => uncachedMs.toFixed(0),
    'cached ms': ({ cachedMs }) => cachedMs.toFixed(0),
    'speed-up': ({ measuredSpeedUp }) => times(measuredSpeedUp),
    'by MACs': ({ theoreticalSpeedUp }) => times(theoreticalSpeedUp),
    'of it reached': ({ efficiency }) => percent(efficiency),
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
  const title = `Throughput: ${model}${weights}, ${samples} at a time, guidance included`;
  return section(title, results, {
    CUR: ({ cacheUtilization: cur }) => (cur === 0 ? 'uncached' : percent(cur)),
    'ms per step': ({ msPerStep }) => msPerStep.toFixed(0),
    'GFLOP/s': ({ gigaflopsPerSecond }) => gigaflopsPerSecond.toFixed(1),
    'speed-up': ({ speedUp }) => times(speedUp),
    'by MACs': ({ theoreticalSpeedUp }) => times(theoreticalSpeedUp),
    'peak memory MiB': ({ peakBytes }) => mebibytes(peakBytes),
  });
}

/** A training iteration beside a forward pass, as Markdown. */
export function trainingReport(timing: TrainingTiming): string {
  return section('Training: one iteration beside one forward pass', [timing], {
    predictor: ({ predictor }) => predictor,
    'iteration ms': ({ iterationMs }) => iterationMs.toFixed(0),
    'forward ms': ({ forwardMs }) => forwardMs.toFixed(0),
    forwards: ({ iterationInForwards }) => iterationInForwards.toFixed(2),
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
  return section(`Training methods: one update, and images of ${UPDATES} updates`, costs, {
    method: ({ method }) => METHOD_NAMES[method],
    'samples of an update': ({ samples }) => String(samples),
    'update ms': ({ updateMs }) => updateMs.toFixed(0),
    'encoding ms': ({ encodingMs }) => encodingMs?.toFixed(0) ?? '-',
    'over L2C': ({ overL2c }) => overL2c.toFixed(2),
    'with encoding': ({ overL2cEncoding }) => overL2cEncoding?.toFixed(2) ?? '-',
    'in the paper': ({ method }) => PAPER_RATIOS[method].toFixed(2),
    images: ({ images }) => String(images),
    'peak memory MiB': ({ peakBytes }) => mebibytes(peakBytes),
  });
}

/** Peak memory of training beside sampling, as Markdown. */
export function memoryReport(result: MemoryResult): string {
  return section('Memory: peak resident set, a fresh process for each run', [result], {
    'uncached sampling MiB': ({ samplingBytes }) => mebibytes(samplingBytes),
    'training MiB': ({ trainingBytes }) => mebibytes(trainingBytes),
    'a token tensor per branch MiB': ({ tokenBytes }) => mebibytes(tokenBytes),
    'extra / that': ({ extraInTokenTensors }) => extraInTokenTensors.toFixed(2),
  });
}

/** A heading and a table with a line for each result: what heads a column, and what stands in it. */
function section<Result>(
  title: string,
  results: readonly Result[],
  columns: Readonly<Record<string, (result: Result) => string>>,
): string {
  const rows = results.map((result) => Object.values(columns).map((cell) => cell(result)));
  return `\n### ${title}\n\n${markdownTable({ head: Object.keys(columns), rows })}`;
}

function times(ratio: number): string {
  return `${ratio.toFixed(3)}x`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}

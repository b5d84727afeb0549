import type { Backbone, Branch, Stream } from '@harmonica/core';
import {
  add,
  matMul,
  mul,
  reshape,
  slice,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import { sizeOf, type TracedGraph } from './graph.js';
import { flatStream, prefixed, type StreamLayout, streamOf, unprefixed } from './stream-names.js';
import { inTraceScope } from './trace-backend.js';
import { type TensorRecord, type TensorSpec, traceFunction } from './trace-function.js';

/**
 * How the earlier outputs of a branch are fed: `count` of them as the rows of one matrix, or as tensors of their own.
 */
export interface HistoryLayout {
  readonly kind: 'rows' | 'tensors';
  readonly count: number;
}

export interface BranchGraphOptions {
  readonly backbone: Backbone;
  readonly branch: Branch;
  readonly layout: StreamLayout;
  /** Shape of the branch's output. */
  readonly output: readonly number[];
}

type BranchParts = Omit<BranchGraphOptions, 'output'>;

/** Traces what is made of a stream and of further inputs. */
export function traceStream(
  layout: StreamLayout,
  further: Readonly<Record<string, TensorSpec>>,
  fn: (stream: Stream, inputs: TensorRecord) => TensorRecord,
): TracedGraph {
  const inputs = { ...flatStream(layout), ...further };
  return traceFunction({ inputs, fn: (given) => fn(streamOf(given), given) });
}

/** Latent, times and condition to `state.*` and `context.*`. */
export function traceBegin(backbone: Backbone, batch: number): TracedGraph {
  return traceFunction({
    inputs: beginInputs(backbone, batch),
    fn: (inputs) => flatStream(begin(backbone, inputs)),
  });
}

/** The state to `output`, the model's. */
export function traceEnd(backbone: Backbone, layout: StreamLayout): TracedGraph {
  return traceStream(layout, {}, (stream) => ({ output: backbone.end(stream) }));
}

/** The whole model: latent, times and condition to `output`. */
export function traceBackbone(backbone: Backbone, batch: number): TracedGraph {
  return traceFunction({
    inputs: beginInputs(backbone, batch),
    fn: (inputs) => {
      let stream = inTraceScope('begin', () => begin(backbone, inputs));
      for (const branch of backbone.spec.branches) {
        stream = inTraceScope(`block.${branch.block}.${branch.kind}`, () => {
          const output = backbone.compute(branch, stream);
          return { ...stream, state: backbone.merge(branch, stream, output) };
        });
      }
      return { output: inTraceScope('end', () => backbone.end(stream)) };
    },
  });
}

function begin(backbone: Backbone, { latent, time, ...rest }: TensorRecord): Stream {
  return backbone.begin(latent as Tensor4D, time as Tensor1D, unprefixed('condition', rest));
}

function beginInputs({ spec }: Backbone, batch: number): Record<string, TensorSpec> {
  const { height, width, channels } = spec.latent;
  const conditions = spec.condition.map(({ name, shape, dtype }) => [
    name,
    { shape: [batch, ...shape], dtype },
  ]);
  return {
    latent: { shape: [batch, height, width, channels] },
    time: { shape: [batch] },
    ...prefixed<TensorSpec>('condition', Object.fromEntries(conditions)),
  };
}

/** What a branch works on: the stream to `input`. */
export function traceInput({ backbone, branch, layout }: BranchParts): TracedGraph {
  return traceStream(layout, {}, (stream) => ({ input: backbone.input(branch, stream) }));
}

/** A computed branch: the stream to `state.*`, and `output`, the branch's own. */
export function traceCompute({ backbone, branch, layout }: BranchParts): TracedGraph {
  return traceStream(layout, {}, (stream) => {
    const output = backbone.compute(branch, stream);
    return { ...prefixed('state', backbone.merge(branch, stream, output)), output };
  });
}

/** A branch between computed and predicted: the stream, `score`, `rate.0` and `history.0` to `state.*` and `output.0`. */
export function traceBlend(
  { backbone, branch, layout, output: shape }: BranchGraphOptions,
  history: HistoryLayout,
): TracedGraph {
  const further = { score: { shape: [] }, ...historyInputs(history, shape) };
  return traceStream(layout, further, (stream, inputs) => {
    const computed = mul(backbone.compute(branch, stream), inputs.score as Tensor);
    const output = add(computed, predictedOutput(inputs, history, shape));
    return { ...prefixed('state', backbone.merge(branch, stream, output)), 'output.0': output };
  });
}

/** How a predicted branch is run. */
export interface Prediction {
  readonly branch: Branch;
  readonly history: HistoryLayout;
  /** Whether the predicted output is a result too. */
  readonly keep: boolean;
}

/** A predicted branch: the stream, `rate.0` and `history.0` to `state.*`, and `output.0` if it is kept. */
export function tracePredict(
  { backbone, branch, layout, output: shape }: BranchGraphOptions,
  { history, keep }: Prediction,
): TracedGraph {
  return traceStream(layout, historyInputs(history, shape), (stream, inputs) => {
    const output = predictedOutput(inputs, history, shape);
    const state = prefixed('state', backbone.merge(branch, stream, output));
    return keep ? { ...state, 'output.0': output } : state;
  });
}

/**
 * The parts of a branch apart from each other, for differentiation: the stream, `joined`, `rate.0` and `history.0` to
 * `computed`, what the branch computes; `predicted`, if there is a history; and `state.*` after `joined` was merged.
 */
export function traceParts(
  { backbone, branch, layout, output: shape }: BranchGraphOptions,
  history: HistoryLayout | undefined,
): TracedGraph {
  const further = { joined: { shape }, ...(history && historyInputs(history, shape)) };
  return traceStream(layout, further, (stream, inputs) => ({
    computed: backbone.compute(branch, stream),
    ...(history && { predicted: predictedOutput(inputs, history, shape) }),
    ...prefixed('state', backbone.merge(branch, stream, inputs.joined as Tensor)),
  }));
}

/** The inputs `rate.0` and `history.0`, the factors and earlier outputs of a branch. */
export function historyInputs(
  { kind, count }: HistoryLayout,
  output: readonly number[],
): Record<string, TensorSpec> {
  const rates = { 'rate.0': { shape: [1, count] } };
  if (kind === 'rows') return { ...rates, 'history.0': { shape: [count, sizeOf(output)] } };
  const tensors = Array.from({ length: count }, (_, j) => [`history.0.${j}`, { shape: output }]);
  return { ...rates, ...Object.fromEntries(tensors) };
}

/** `sum_j rate[j] * history[j]`. */
export function predictedOutput(
  inputs: TensorRecord,
  { kind, count }: HistoryLayout,
  shape: readonly number[],
): Tensor {
  const rates = inputs['rate.0'] as Tensor;
  if (kind === 'rows') return reshape(matMul(rates, inputs['history.0'] as Tensor), [...shape]);
  const terms = Array.from({ length: count }, (_, j) =>
    mul(inputs[`history.0.${j}`] as Tensor, reshape(slice(rates, [0, j], [1, 1]), [])),
  );
  return terms.reduce((a, b) => add(a, b));
}

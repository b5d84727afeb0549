import { gradientsOf, type NamedTensors } from '@harmonica/core';
import { add, mul, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import {
  type BranchGraphOptions,
  type HistoryLayout,
  historyInputs,
  predictedOutput,
  traceStream,
} from './backbone-graphs.js';
import type { TracedGraph } from './graph.js';
import { prefixed, unprefixed } from './stream-names.js';

/**
 * The graph that `deriveVjp` makes, from TensorFlow.js' own gradients: every op that TensorFlow.js can differentiate is
 * covered, but the graph is longer and slower. Needs the gradients of TensorFlow.js to be registered.
 */
export function traceTapeVjp(
  { backbone, branch, layout, output: shape }: BranchGraphOptions,
  history: HistoryLayout | undefined,
): TracedGraph {
  const names = Object.keys(layout.state);
  const further = {
    ...prefixed('upstream', layout.state),
    score: { shape: [] },
    ...(history && historyInputs(history, shape)),
  };
  return traceStream(layout, further, ({ state, context }, inputs) => {
    const upstream = unprefixed('upstream', inputs);
    const loss = (...args: readonly Tensor[]): Tensor => {
      const before = { state: named(names, args), context };
      const score = args[names.length] as Tensor;
      const computed = mul(backbone.compute(branch, before), score);
      const joined = history
        ? add(computed, mul(predictedOutput(inputs, history, shape), sub(1, score)))
        : computed;
      return product(backbone.merge(branch, before, joined), upstream);
    };
    const at = [...names.map((name) => state[name] as Tensor), inputs.score as Tensor];
    const gradients = gradientsOf({ f: loss, at });
    return {
      ...prefixed('gradient', named(names, gradients)),
      score: gradients[names.length] as Tensor,
    };
  });
}

/** The graph that `deriveEndVjp` makes, from TensorFlow.js' own gradients. */
export function traceTapeEndVjp({
  backbone,
  layout,
  output,
}: Omit<BranchGraphOptions, 'branch'>): TracedGraph {
  const names = Object.keys(layout.state);
  const further = { upstream: { shape: output } };
  return traceStream(layout, further, ({ state, context }, { upstream }) => {
    const gradients = gradientsOf({
      f: (...args) => backbone.end({ state: named(names, args), context }),
      at: names.map((name) => state[name] as Tensor),
      upstream: upstream as Tensor,
    });
    return prefixed('gradient', named(names, gradients));
  });
}

function product(a: NamedTensors, b: NamedTensors): Tensor {
  const terms = Object.keys(a).map((name) => sum(mul(a[name] as Tensor, b[name] as Tensor)));
  return terms.reduce((x, y) => add(x, y));
}

function named(names: readonly string[], tensors: readonly Tensor[]): NamedTensors {
  return Object.fromEntries(names.map((name, i) => [name, tensors[i] as Tensor]));
}

import type { CachePredictor } from '@harmonica/core';
import { assertCount } from './assert-count.js';

/**
 * TaylorSeer (Liu et al. 2025, arXiv 2503.06923): the Taylor polynomial around the last computed step whose derivatives
 * are repeated finite differences, as its code takes them. With outputs f known at steps s_0 > s_1 > ...:
 *
 *     F_0(s_k) = f(s_k)
 *     F_{i+1}(s_k) = (F_i(s_k) - F_i(s_{k+1})) / (s_k - s_{k+1})
 *     prediction at t = sum_{i <= order} F_i(s_0) (t - s_0)^i / i!
 *
 * Orders 0 and 1 are `holdPredictor` and `linearPredictor`. From order 2 on it is another predictor than the polynomial
 * through the same outputs: on steps h apart, with u = (t - s_0) / h, the i-th difference has the factor u^i / i! where
 * interpolation has u (u + 1) ... (u + i - 1) / i!. While fewer than `order + 1` outputs are at hand, the order is the
 * highest that they allow.
 *
 * @param options `order` is an integer of at least 0. The paper's settings for DiT have 4, diffusers defaults to 1.
 */
export function taylorPredictor({ order }: { readonly order: number }): CachePredictor {
  assertCount({ argument: 'order', value: order, least: 0 });
  const depth = order + 1;
  return {
    name: `taylor-${order}`,
    depth,
    weights: (step, computed) => taylorWeights({ at: step, nodes: computed.slice(0, depth) }),
  };
}

function taylorWeights(options: {
  readonly at: number;
  readonly nodes: readonly number[];
}): readonly number[] {
  const { at, nodes } = options;
  const distance = at - (nodes[0] as number);
  let factors = nodes.map((_, k) => nodes.map((_, j): number => (j === k ? 1 : 0)));
  let coefficient = 1;
  let weights = nodes.map(() => 0);
  for (let order = 0; order < nodes.length; order++) {
    if (order > 0) coefficient *= distance / order;
    const factor = factors[0] as readonly number[];
    weights = weights.map((weight, j) => weight + coefficient * (factor[j] as number));
    factors = differences({ factors, nodes });
  }
  return weights;
}

/** F_{i+1} at every node but the last, each as its weights on the outputs. */
function differences(options: {
  readonly factors: readonly (readonly number[])[];
  readonly nodes: readonly number[];
}): number[][] {
  const { factors, nodes } = options;
  return factors.slice(0, -1).map((factor, k) => {
    const earlier = factors[k + 1] as readonly number[];
    const spacing = (nodes[k] as number) - (nodes[k + 1] as number);
    return factor.map((weight, j) => (weight - (earlier[j] as number)) / spacing);
  });
}

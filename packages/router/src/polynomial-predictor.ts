import { type CachePredictor, InvalidArgumentError } from '@harmonica/core';
import { assertCount } from './assert-count.js';

/**
 * Weights of polynomial extrapolation: the value at `at` of the polynomial through values known at `nodes` is their sum
 * with these weights (Lagrange's form). They sum to 1.
 *
 * @param options `nodes` are distinct; their number is the degree of the polynomial plus 1.
 * @returns one weight for each node.
 * @throws {@link InvalidArgumentError} if there is no node or two are equal.
 */
export function lagrangeWeights(options: {
  readonly at: number;
  readonly nodes: readonly number[];
}): readonly number[] {
  const { at, nodes } = options;
  if (nodes.length === 0 || new Set(nodes).size !== nodes.length) {
    throw new InvalidArgumentError({
      argument: 'nodes',
      value: nodes,
      expected: 'at least one node, all distinct',
    });
  }
  return nodes.map((node, i) =>
    nodes.reduce(
      (weight, other, j) => (i === j ? weight : (weight * (at - other)) / (node - other)),
      1,
    ),
  );
}

/**
 * Predicts a branch by the polynomial through its last computed outputs, as a function of the step index. While fewer
 * than `degree + 1` outputs are at hand, the polynomial has the highest degree that they allow.
 *
 * @param options `degree` is an integer of at least 0.
 */
export function polynomialPredictor(options: {
  readonly name: string;
  readonly degree: number;
}): CachePredictor {
  const { name, degree } = options;
  assertCount({ argument: 'degree', value: degree, least: 0 });
  const depth = degree + 1;
  return {
    name,
    depth,
    weights: (step, computed) => lagrangeWeights({ at: step, nodes: computed.slice(0, depth) }),
  };
}

/** Repeats the last computed output: reuse, as in HarmoniCa, Learning-to-Cache and FORA. */
export const holdPredictor: CachePredictor = /* @__PURE__ */ polynomialPredictor({
  name: 'hold',
  degree: 0,
});

/** The straight line through the last two computed outputs. */
export const linearPredictor: CachePredictor = /* @__PURE__ */ polynomialPredictor({
  name: 'linear',
  degree: 1,
});

/** The parabola through the last three computed outputs. */
export const quadraticPredictor: CachePredictor = /* @__PURE__ */ polynomialPredictor({
  name: 'quadratic',
  degree: 2,
});

/** The cubic polynomial through the last four computed outputs. */
export const cubicPredictor: CachePredictor = /* @__PURE__ */ polynomialPredictor({
  name: 'cubic',
  degree: 3,
});

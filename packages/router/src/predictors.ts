import {
  assertArgument,
  assertCount,
  type CachePredictor,
  createNameTable,
  type PredictorChoice,
} from '@harmonica/core';

/**
 * Coefficients of polynomial extrapolation: the value at `at` of the polynomial through values known at `nodes` is their
 * sum with these coefficients (Lagrange's form). They sum to 1.
 *
 * @param options `nodes` are distinct; their number is the degree of the polynomial plus 1.
 * @returns one coefficient for each node.
 * @throws {@link InvalidArgumentError} if there is no node or two are equal.
 */
export function lagrangeCoefficients(options: {
  readonly at: number;
  readonly nodes: readonly number[];
}): readonly number[] {
  const { at, nodes } = options;
  const areDistinct = nodes.length > 0 && new Set(nodes).size === nodes.length;
  assertArgument({ nodes }, 'at least one node, all distinct', areDistinct);
  return nodes.map((node, i) =>
    nodes.reduce(
      (product, other, j) => (i === j ? product : (product * (at - other)) / (node - other)),
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
    coefficients: (step, computed) =>
      lagrangeCoefficients({ at: step, nodes: computed.slice(0, depth) }),
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

/** Two predictors to go between. */
export interface HalfwayPredictorOptions {
  readonly name: string;
  readonly lower: CachePredictor;
  readonly higher: CachePredictor;
}

/**
 * The mean of two predictions. A cached output differs from what the uncached run would have computed there, and a higher
 * degree extrapolates that difference as well: half of the last difference is often closer than all of it or none.
 *
 * Like those of the polynomials, its coefficients sum to 1 and it is as good as they are while fewer outputs are at hand.
 */
export function halfwayPredictor(options: HalfwayPredictorOptions): CachePredictor {
  const { name, lower, higher } = options;
  return {
    name,
    depth: Math.max(lower.depth, higher.depth),
    coefficients(step, computed) {
      const [a, b] = [lower, higher].map((each) =>
        each.coefficients(step, computed.slice(0, each.depth)),
      ) as [readonly number[], readonly number[]];
      const count = Math.max(a.length, b.length);
      return Array.from({ length: count }, (_, i) => ((a[i] ?? 0) + (b[i] ?? 0)) / 2);
    },
  };
}

/** Half way from the last output to the line through the last two. */
export const halfLinearPredictor: CachePredictor = /* @__PURE__ */ halfwayPredictor({
  name: 'half-linear',
  lower: holdPredictor,
  higher: linearPredictor,
});

/** Half way from the line to the parabola through the last three outputs. */
export const halfQuadraticPredictor: CachePredictor = /* @__PURE__ */ halfwayPredictor({
  name: 'half-quadratic',
  lower: linearPredictor,
  higher: quadraticPredictor,
});

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
    coefficients: (step, computed) =>
      taylorCoefficients({ at: step, nodes: computed.slice(0, depth) }),
  };
}

function taylorCoefficients(options: {
  readonly at: number;
  readonly nodes: readonly number[];
}): readonly number[] {
  const { at, nodes } = options;
  const distance = at - (nodes[0] as number);
  let factors = nodes.map((_, k) => nodes.map((_, j): number => (j === k ? 1 : 0)));
  let power = 1;
  let coefficients = nodes.map(() => 0);
  for (let order = 0; order < nodes.length; order++) {
    if (order > 0) power *= distance / order;
    const factor = factors[0] as readonly number[];
    coefficients = coefficients.map((sum, j) => sum + power * (factor[j] as number));
    factors = differences({ factors, nodes });
  }
  return coefficients;
}

/** F_{i+1} at every node but the last, each as its coefficients of the outputs. */
function differences(options: {
  readonly factors: readonly (readonly number[])[];
  readonly nodes: readonly number[];
}): number[][] {
  const { factors, nodes } = options;
  return factors.slice(0, -1).map((factor, k) => {
    const earlier = factors[k + 1] as readonly number[];
    const spacing = (nodes[k] as number) - (nodes[k + 1] as number);
    return factor.map((value, j) => (value - (earlier[j] as number)) / spacing);
  });
}

/**
 * Another predictor in every step. Early steps, where features move smoothly, gain from a high degree; late ones, where
 * they do not, from a low one.
 *
 * @param predictors one for each step.
 * @throws {@link InvalidArgumentError} if there is none, or a step beyond them is predicted.
 */
export function perStepPredictor(predictors: readonly CachePredictor[]): CachePredictor {
  const depth = Math.max(0, ...predictors.map((predictor) => predictor.depth));
  const at = (step: number): CachePredictor => {
    const predictor = predictors[step];
    const expected = `a step below ${predictors.length}, for which there is a predictor`;
    assertArgument({ step }, expected, predictor);
    return predictor;
  };
  if (depth === 0) at(0);
  return {
    name: 'per-step',
    depth,
    coefficients(step, computed) {
      const predictor = at(step);
      const read = computed.slice(0, predictor.depth);
      const unread = computed.slice(predictor.depth).map(() => 0);
      return [...predictor.coefficients(step, read), ...unread];
    },
  };
}

/**
 * Every predictor that files, policies and options name; one line adds one. Those of TaylorSeer end with order 8: the term
 * of order i is multiplied by at most 2^i / i! when the next step is no further away than the computed ones are apart, under
 * one hundredth from there on.
 */
const PREDICTORS = /* @__PURE__ */ createNameTable<CachePredictor>({
  what: 'predictor',
  entries: [
    holdPredictor,
    linearPredictor,
    quadraticPredictor,
    cubicPredictor,
    halfLinearPredictor,
    halfQuadraticPredictor,
    .../* @__PURE__ */ Array.from({ length: 9 }, (_, order) => taylorPredictor({ order })),
  ],
  // What training calls a choice for each step.
  reserved: ['per-step'],
});

/** What a choice for each step is made from, simplest first. */
export const PER_STEP_CANDIDATES: readonly CachePredictor[] = [
  holdPredictor,
  halfLinearPredictor,
  linearPredictor,
  halfQuadraticPredictor,
  quadraticPredictor,
];

/** The names of all predictors. */
export function predictorNames(): readonly string[] {
  return PREDICTORS.names();
}

/**
 * The predictor that a schedule or router file names: one for all steps, or one for each.
 *
 * @throws {@link InvalidArgumentError} if there is no predictor of that name.
 */
export function predictorByName(choice: PredictorChoice): CachePredictor {
  return typeof choice === 'string'
    ? PREDICTORS.get(choice)
    : perStepPredictor(choice.map(PREDICTORS.get));
}

/**
 * Gives a predictor a name in this program, so that policies, files and training can name it like any other.
 *
 * @returns a function that takes the name away again
 * @throws {@link InvalidArgumentError} if the name is taken or malformed, or the depth is no integer of at least 1
 */
export function registerPredictor(predictor: CachePredictor): () => void {
  assertCount({ argument: 'depth', value: predictor.depth });
  return PREDICTORS.register(predictor);
}

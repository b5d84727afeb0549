import { assertOneOf, type SamplerPlan, UnsupportedError } from '@harmonica/core';
import {
  isFirstOrderOnly,
  kernelMoments,
  lineWeights,
  pathStep,
  type Quadrature,
  type SolverSpace,
} from './exponential-step.js';
import { createSolverPlan, type SolverPlanOptions } from './solver-path.js';

/** Options of {@link createDpmSolverPlan}. */
export type DpmSolverPlanOptions = SolverPlanOptions & {
  /** Default `'dpm-solver++'`. */
  readonly algorithm?: DpmSolverAlgorithm;
  /** 1, 2 or 3. Default 2, for guided sampling. */
  readonly order?: 1 | 2 | 3;
  /** Second-order rule. Default `'midpoint'`. */
  readonly solver?: DpmSolverRule;
  /** Ends plans of fewer than 15 steps with a second-order and a first-order step. Default true. */
  readonly lowerOrderFinal?: boolean;
  /** Makes the last step first-order whatever the number of steps. Default false. */
  readonly eulerAtFinal?: boolean;
};

/**
 * DPM-Solver and DPM-Solver++, multistep: 2M and 3M, and their SDE variants. Lu et al. 2022 (a, b), Algorithm 2 of the
 * latter. One model evaluation per step; a step to sigma 0 is of first order.
 *
 * The third-order rule is the published one. It halves the second difference, so that its order of convergence is 2, with a
 * smaller error than 2M; {@link createUniPcPlan} without corrector integrates the parabola exactly.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range
 * @throws {@link UnsupportedError} for order 3 of `'sde-dpm-solver'`, which has none; and, for the algorithms that
 * integrate noise, for limits of samples and a final sigma of zero
 */
export function createDpmSolverPlan(options: DpmSolverPlanOptions): SamplerPlan {
  const { algorithm = 'dpm-solver++', order = 2, solver = 'midpoint' } = options;
  const { lowerOrderFinal = true, eulerAtFinal = false } = options;
  assertDpmSolver({ algorithm, order, solver, solvers: ['midpoint', 'heun'] });
  const space = spaceOf(algorithm);
  return createSolverPlan({
    sampler: algorithm,
    options,
    space,
    settings: { order, solver, lowerOrderFinal, eulerAtFinal },
    updates: (path) =>
      path.slice(1).map((_, index) => {
        const left = path.length - 1 - index;
        const fewer = lowerOrderFinal && path.length - 1 < 15 ? left : 3;
        const isEuler = isFirstOrderOnly(path, index) || (eulerAtFinal && left === 1);
        const count = Math.min(order, index + 1, fewer, isEuler ? 1 : 3);
        const step = { path, start: index, end: index + 1, count, space, tau: tauOf(algorithm) };
        return pathStep(step, multistepQuadrature(solver));
      }),
  });
}

function multistepQuadrature(solver: DpmSolverRule): Quadrature {
  const slope = solver === 'midpoint' ? 'midpoint' : 'exact';
  return ([, first, second], exponent) => {
    if (first === undefined) return kernelMoments(exponent, 1);
    if (second === undefined) return lineWeights({ node: first, exponent, slope });
    return publishedThirdOrder({ first, second, exponent });
  };
}

/**
 * `M_0 p_0 + M_1 D_1 + (M_2 / 2) D_2` with the first and second divided differences at the start of the step, where the
 * integral of the parabola would take the whole of M_2.
 */
function publishedThirdOrder(options: {
  readonly first: number;
  readonly second: number;
  readonly exponent: number;
}): number[] {
  const { first, second, exponent } = options;
  const [whole, one, two] = kernelMoments(exponent, 3) as [number, number, number];
  const nearWidth = -first;
  const farWidth = first - second;
  const near = 1 / nearWidth;
  const far = 1 / farWidth;
  const curved = (one * nearWidth + two / 2) / (nearWidth + farWidth);
  return [whole + (one + curved) * near, -one * near - curved * (near + far), curved * far];
}

/**
 * What is integrated, and whether noise is added: DPM-Solver integrates predicted noise, DPM-Solver++ predicted samples,
 * which suits guidance and can be clipped.
 */
export type DpmSolverAlgorithm = (typeof ALGORITHMS)[number];

const ALGORITHMS = ['dpm-solver', 'dpm-solver++', 'sde-dpm-solver', 'sde-dpm-solver++'] as const;

/** Second-order rule: the value at the middle of a step, or the exact integral of a line. */
export type DpmSolverRule = 'midpoint' | 'heun';

/** What the algorithm integrates. */
export function spaceOf(algorithm: DpmSolverAlgorithm): SolverSpace {
  return algorithm.endsWith('++') ? 'sample' : 'epsilon';
}

/** Stochasticity of the algorithm, as {@link exponentialStep} takes it. */
export function tauOf(algorithm: DpmSolverAlgorithm): 0 | 1 {
  return algorithm.startsWith('sde-') ? 1 : 0;
}

/**
 * Refuses settings outside their range.
 *
 * @throws {@link InvalidArgumentError}
 * @throws {@link UnsupportedError} for order 3 of `'sde-dpm-solver'`, which has none
 */
export function assertDpmSolver(options: {
  readonly algorithm: DpmSolverAlgorithm;
  readonly order: number;
  readonly solver: string;
  /** Rules that the method has. */
  readonly solvers: readonly string[];
}): void {
  const { algorithm, order, solver, solvers } = options;
  assertOneOf({ algorithm }, ALGORITHMS);
  assertOneOf({ order }, [1, 2, 3]);
  assertOneOf({ solver }, solvers);
  if (algorithm === 'sde-dpm-solver' && order === 3) {
    throw new UnsupportedError({
      feature: 'order 3',
      engine: algorithm,
      fix: 'Use sde-dpm-solver++, or order 2.',
    });
  }
}

import { UnsupportedError } from '@harmonica/core';
import { assertOneOf } from './assert-one-of.js';
import type { SolverSpace } from './exponential-step.js';

/**
 * What is integrated, and whether noise is added: DPM-Solver integrates predicted noise, DPM-Solver++ predicted samples,
 * which suits guidance and can be clipped.
 */
export type DpmSolverAlgorithm =
  | 'dpm-solver'
  | 'dpm-solver++'
  | 'sde-dpm-solver'
  | 'sde-dpm-solver++';

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
  const algorithms = ['dpm-solver', 'dpm-solver++', 'sde-dpm-solver', 'sde-dpm-solver++'];
  assertOneOf({ argument: 'algorithm', value: algorithm, allowed: algorithms });
  assertOneOf({ argument: 'order', value: order, allowed: [1, 2, 3] });
  assertOneOf({ argument: 'solver', value: solver, allowed: solvers });
  if (algorithm === 'sde-dpm-solver' && order === 3) {
    throw new UnsupportedError({
      feature: 'order 3',
      engine: algorithm,
      fix: 'Use sde-dpm-solver++, or order 2.',
    });
  }
}

import { InvalidArgumentError, type SamplerPlan } from '@harmonica/core';
import { assertOneOf } from '../numbers.js';
import type { NoisePoint } from '../plan.js';
import {
  exponentialStep,
  foldCorrector,
  interpolationWeights,
  isFirstOrderOnly,
  lineWeights,
  nodesOf,
  type PredictorCorrectorStep,
  type SolverSpace,
} from './exponential-step.js';
import { createSolverPlan, type SolverPlanOptions } from './solver-path.js';

/** Options of {@link createSaSolverPlan}. */
export type SaSolverPlanOptions = SolverPlanOptions & {
  /** Order of the Adams-Bashforth predictor, 1 to 4. Default 2. */
  readonly predictorOrder?: 1 | 2 | 3 | 4;
  /** Order of the Adams-Moulton corrector, 1 to 4; 0 leaves the predictor alone. Default 2. */
  readonly correctorOrder?: 0 | 1 | 2 | 3 | 4;
  /**
   * Stochasticity by model time, 0 or more: 0 is the probability flow, 1 the reverse diffusion. Default
   * {@link tauBetween} timesteps 200 and 800.
   */
  readonly tau?: (timestep: number) => number;
  /** What is integrated. Default `'sample'`, for guided sampling. */
  readonly integrate?: SolverSpace;
  /** Lowers the orders towards the end, the predictor's to 1 on the last step. Default true. */
  readonly lowerOrderFinal?: boolean;
};

/** A stochasticity that is `value` (default 1) at timesteps from `from` to `to`, both included, and 0 elsewhere. */
export function tauBetween(options: {
  readonly from: number;
  readonly to: number;
  readonly value?: number;
}): (timestep: number) => number {
  const { from, to, value = 1 } = options;
  return (timestep) => (timestep >= from && timestep <= to ? value : 0);
}

/**
 * SA-Solver: stochastic Adams methods of any stochasticity tau(t), the predictor's result corrected with the model
 * evaluation that the next step makes anyway. Xue et al. 2023, Algorithm 1. By default the last step leads to the lowest
 * level of the schedule; a step to sigma 0 is of first order.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range
 * @throws {@link UnsupportedError} if noise is integrated, for limits of samples and a final sigma of zero
 */
export function createSaSolverPlan(options: SaSolverPlanOptions): SamplerPlan {
  const { predictorOrder = 2, correctorOrder = 2, integrate = 'sample' } = options;
  const { tau = tauBetween({ from: 200, to: 800 }), lowerOrderFinal = true } = options;
  assertOneOf({ argument: 'predictorOrder', value: predictorOrder, allowed: [1, 2, 3, 4] });
  assertOneOf({ argument: 'correctorOrder', value: correctorOrder, allowed: [0, 1, 2, 3, 4] });
  assertOneOf({ argument: 'integrate', value: integrate, allowed: ['sample', 'epsilon'] });
  const taus: number[] = [];
  const plan = createSolverPlan({
    sampler: 'sa-solver',
    options,
    finalSigma: 'min',
    space: integrate,
    settings: { predictorOrder, correctorOrder, integrate, lowerOrderFinal },
    updates: (path) => {
      const steps = path.length - 1;
      taus.push(...path.slice(0, -1).map(({ timestep }) => checkedTau(tau(timestep))));
      return foldCorrector(
        taus.map((tauOfStep, index) => {
          const orders = ordersOf({ path, index, predictorOrder, correctorOrder, lowerOrderFinal });
          const isLast = index === steps - 1;
          return saSolverStep({ path, index, tau: tauOfStep, integrate, isLast, ...orders });
        }),
      );
    },
  });
  return { ...plan, settings: { ...plan.settings, tau: taus.join(',') } };
}

/** Orders of a step's predictor and of the corrector of its result: those of the predictions made, fewer at the end. */
function ordersOf(options: {
  readonly path: readonly NoisePoint[];
  readonly index: number;
  readonly predictorOrder: number;
  readonly correctorOrder: number;
  readonly lowerOrderFinal: boolean;
}) {
  const { path, index, predictorOrder, correctorOrder, lowerOrderFinal } = options;
  const left = lowerOrderFinal ? path.length - 1 - index : Number.POSITIVE_INFINITY;
  const [from, to] = [path[index] as NoisePoint, path[index + 1] as NoisePoint];
  const only = isFirstOrderOnly({ from, to }) ? 1 : Number.POSITIVE_INFINITY;
  return {
    predictorOrder: Math.min(predictorOrder, index + 1, left, only),
    correctorOrder: Math.min(correctorOrder, index + 2, left + 1),
  };
}

function saSolverStep(options: {
  readonly path: readonly NoisePoint[];
  readonly index: number;
  readonly tau: number;
  readonly integrate: SolverSpace;
  readonly isLast: boolean;
  readonly predictorOrder: number;
  readonly correctorOrder: number;
}): PredictorCorrectorStep {
  const { path, index, tau, integrate, isLast, predictorOrder, correctorOrder } = options;
  const from = path[index] as NoisePoint;
  const to = path[index + 1] as NoisePoint;
  const step = exponentialStep({ from, to, space: integrate, tau });
  const { carry, scale, exponent, width, std } = step;
  const weights = (latest: number, count: number) => {
    const indices = Array.from({ length: count }, (_, k) => latest - k);
    const nodes = nodesOf({ path, start: index, indices, width });
    return adamsWeights({ nodes, exponent, integrate }).map((w) => w * scale);
  };
  return {
    predictor: { carry, history: weights(index, predictorOrder), noise: { kind: 'fixed', std } },
    ...(!isLast && correctorOrder > 0 && { corrector: weights(index + 1, correctorOrder) }),
  };
}

/** Exact but for two predicted samples, where the published method takes the first term of the series. */
function adamsWeights(options: {
  readonly nodes: readonly number[];
  readonly exponent: number;
  readonly integrate: SolverSpace;
}): readonly number[] {
  const { nodes, exponent, integrate } = options;
  if (integrate === 'epsilon' || nodes.length !== 2) {
    return interpolationWeights({ nodes, exponent });
  }
  const [first, second] = nodes as [number, number];
  // One of the two predictions is at the start of the step, where its node is 0.
  const [start, other] = lineWeights({
    node: first === 0 ? second : first,
    exponent,
    slope: 'half-width',
  });
  return first === 0 ? [start, other] : [other, start];
}

function checkedTau(tau: number): number {
  if (Number.isFinite(tau) && tau >= 0) return tau;
  throw new InvalidArgumentError({
    argument: 'tau',
    value: tau,
    expected: 'a number of 0 or more',
  });
}

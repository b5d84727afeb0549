import { assertArgument, assertOneOf, type SamplerPlan } from '@harmonica/core';
import {
  foldCorrector,
  interpolationWeights,
  isFirstOrderOnly,
  lineWeights,
  type PredictorCorrectorStep,
  pathStep,
  type Quadrature,
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
  assertOneOf({ predictorOrder }, [1, 2, 3, 4]);
  assertOneOf({ correctorOrder }, [0, 1, 2, 3, 4]);
  assertOneOf({ integrate }, ['sample', 'epsilon']);
  const quadrature = adamsQuadrature(integrate);
  const taus: number[] = [];
  const plan = createSolverPlan({
    sampler: 'sa-solver',
    options,
    finalSigma: 'min',
    space: integrate,
    settings: { predictorOrder, correctorOrder, integrate, lowerOrderFinal },
    updates: (path) => {
      taus.push(...path.slice(0, -1).map(({ timestep }) => checkedTau(tau(timestep))));
      return foldCorrector(
        taus.map((tauOfStep, index): PredictorCorrectorStep => {
          const left = taus.length - index;
          const most = lowerOrderFinal ? left : Number.POSITIVE_INFINITY;
          const first = isFirstOrderOnly(path, index) ? 1 : most;
          const step = { path, start: index, end: index + 1, space: integrate, tau: tauOfStep };
          const count = Math.min(predictorOrder, index + 1, first);
          const predictor = pathStep({ ...step, count }, quadrature);
          if (left === 1 || correctorOrder === 0) return { predictor };
          const corrected = Math.min(correctorOrder, index + 2, most + 1);
          const { history } = pathStep(
            { ...step, count: corrected, latest: index + 1 },
            quadrature,
          );
          return { predictor, corrector: history };
        }),
      );
    },
  });
  return { ...plan, settings: { ...plan.settings, tau: taus.join(',') } };
}

/** Exact but for two predicted samples, where the published method takes the first term of the series. */
function adamsQuadrature(integrate: SolverSpace): Quadrature {
  return (nodes, exponent) => {
    if (integrate === 'epsilon' || nodes.length !== 2) {
      return interpolationWeights({ nodes, exponent });
    }
    const [first, second] = nodes as [number, number];
    // One of the two predictions is at the start of the step, where its node is 0.
    const node = first === 0 ? second : first;
    const [start, other] = lineWeights({ node, exponent, slope: 'half-width' });
    return first === 0 ? [start, other] : [other, start];
  };
}

function checkedTau(tau: number): number {
  assertArgument({ tau }, 'a number of 0 or more', Number.isFinite(tau) && tau >= 0);
  return tau;
}

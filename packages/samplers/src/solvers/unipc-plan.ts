import { assertArgument, assertOneOf, type SamplerPlan } from '@harmonica/core';
import {
  foldCorrector,
  interpolationWeights,
  isFirstOrderOnly,
  kernelMoments,
  lineWeights,
  type PredictorCorrectorStep,
  pathStep,
  type Quadrature,
  type SolverSpace,
} from './exponential-step.js';
import { createSolverPlan, type SolverPlanOptions } from './solver-path.js';

/** B(h) of UniPC: `'bh1'` is h, `'bh2'` is e^h - 1. */
export type UniPcSolver = 'bh1' | 'bh2';

/** Options of {@link createUniPcPlan}. */
export type UniPcPlanOptions = SolverPlanOptions & {
  /** Order of the predictor, 1 to 4; the corrector adds one. Default 2. */
  readonly order?: 1 | 2 | 3 | 4;
  /** Default `'bh2'`. */
  readonly solver?: UniPcSolver;
  /** What is integrated. Default `'sample'`, for guided sampling. */
  readonly integrate?: SolverSpace;
  /** Steps whose result is not corrected, from 0; `'all'` leaves the predictor alone. Default none. */
  readonly uncorrected?: readonly number[] | 'all';
  /** Lowers the order towards the end, to 1 on the last step. Default true. */
  readonly lowerOrderFinal?: boolean;
};

/**
 * UniPC: a multistep predictor whose result is corrected with the model evaluation that the next step makes anyway. Zhao et
 * al. 2023. B(h) matters only where a line is integrated (predictor of order 2, corrector of order 1);
 * polynomials of higher degree are integrated exactly. The result of the last step is never corrected; a step to sigma 0 is
 * of first order.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range
 * @throws {@link UnsupportedError} if noise is integrated, for limits of samples and a final sigma of zero
 */
export function createUniPcPlan(options: UniPcPlanOptions): SamplerPlan {
  const { order = 2, solver = 'bh2', integrate = 'sample', uncorrected = [] } = options;
  const { lowerOrderFinal = true } = options;
  assertOneOf({ order }, [1, 2, 3, 4]);
  assertOneOf({ solver }, ['bh1', 'bh2']);
  assertOneOf({ integrate }, ['sample', 'epsilon']);
  assertUncorrected(uncorrected);
  const slope = solver === 'bh1' ? 'half-width' : 'midpoint';
  return createSolverPlan({
    sampler: 'unipc',
    options,
    space: integrate,
    settings: {
      order,
      solver,
      integrate,
      uncorrected: uncorrected === 'all' ? 'all' : uncorrected.join(','),
      lowerOrderFinal,
    },
    updates: (path) =>
      foldCorrector(
        path.slice(1).map((_, index): PredictorCorrectorStep => {
          const left = path.length - 1 - index;
          const most = isFirstOrderOnly(path, index) ? 1 : Math.min(order, index + 1);
          const count = lowerOrderFinal ? Math.min(most, left) : most;
          const step = { path, start: index, end: index + 1, count, space: integrate };
          const predictor = pathStep(step, predicting(slope));
          const isLeft = left === 1 || uncorrected === 'all' || uncorrected.includes(index);
          if (isLeft) return { predictor };
          return { predictor, corrector: pathStep(step, correcting(slope)).history };
        }),
      ),
  });
}

type Slope = 'half-width' | 'midpoint';

function predicting(slope: Slope): Quadrature {
  return (nodes, exponent) => {
    if (nodes.length === 1) return kernelMoments(exponent, 1);
    if (nodes.length > 2) return interpolationWeights({ nodes, exponent });
    return lineWeights({ node: nodes[1] as number, exponent, slope });
  };
}

/** Weights of the prediction at the end of the step, then of those that {@link predicting} weighs. */
function correcting(slope: Slope): Quadrature {
  return (nodes, exponent) => {
    if (nodes.length > 1) return interpolationWeights({ nodes: [1, ...nodes], exponent });
    const [start, end] = lineWeights({ node: 1, exponent, slope });
    return [end, start];
  };
}

function assertUncorrected(uncorrected: readonly number[] | 'all'): void {
  if (uncorrected === 'all') return;
  assertArgument(
    { uncorrected },
    'steps, integers of 0 or more, or all',
    uncorrected.every((step) => Number.isSafeInteger(step) && step >= 0),
  );
}

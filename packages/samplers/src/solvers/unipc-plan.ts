import { InvalidArgumentError, type SamplerPlan } from '@harmonica/core';
import { assertOneOf } from '../numbers.js';
import type { NoisePoint } from '../plan.js';
import {
  exponentialStep,
  foldCorrector,
  interpolationWeights,
  isFirstOrderOnly,
  kernelMoments,
  lineWeights,
  nodesOf,
  type PredictorCorrectorStep,
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
  assertOneOf({ argument: 'order', value: order, allowed: [1, 2, 3, 4] });
  assertOneOf({ argument: 'solver', value: solver, allowed: ['bh1', 'bh2'] });
  assertOneOf({ argument: 'integrate', value: integrate, allowed: ['sample', 'epsilon'] });
  assertUncorrected(uncorrected);
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
    updates: (path) => {
      const steps = path.length - 1;
      return foldCorrector(
        path.slice(1).map((to, index) => {
          const from = path[index] as NoisePoint;
          const left = lowerOrderFinal ? steps - index : order;
          const highest = isFirstOrderOnly({ from, to }) ? 1 : Math.min(order, index + 1, left);
          const isCorrected =
            index < steps - 1 && uncorrected !== 'all' && !uncorrected.includes(index);
          return uniPcStep({ path, index, order: highest, solver, integrate, isCorrected });
        }),
      );
    },
  });
}

function uniPcStep(options: {
  readonly path: readonly NoisePoint[];
  readonly index: number;
  readonly order: number;
  readonly solver: UniPcSolver;
  readonly integrate: SolverSpace;
  readonly isCorrected: boolean;
}): PredictorCorrectorStep {
  const { path, index, order, solver, integrate, isCorrected } = options;
  const from = path[index] as NoisePoint;
  const to = path[index + 1] as NoisePoint;
  const { carry, scale, exponent, width, std } = exponentialStep({ from, to, space: integrate });
  const indices = Array.from({ length: order }, (_, k) => index - k);
  const nodes = nodesOf({ path, start: index, indices, width });
  const scaled = (weights: readonly number[]) => weights.map((w) => w * scale);
  const predictor = scaled(predictorWeights({ nodes, exponent, solver }));
  return {
    predictor: { carry, history: predictor, noise: { kind: 'fixed', std } },
    ...(isCorrected && { corrector: scaled(correctorWeights({ nodes, exponent, solver })) }),
  };
}

interface WeightsInput {
  /** Of the predictions at the start of the step and before it, the latest first. */
  readonly nodes: readonly number[];
  readonly exponent: number;
  readonly solver: UniPcSolver;
}

function predictorWeights({ nodes, exponent, solver }: WeightsInput): readonly number[] {
  if (nodes.length === 1) return kernelMoments(exponent, 1);
  if (nodes.length > 2) return interpolationWeights({ nodes, exponent });
  return lineWeights({ node: nodes[1] as number, exponent, slope: slopeOf(solver) });
}

function correctorWeights({ nodes, exponent, solver }: WeightsInput): readonly number[] {
  if (nodes.length > 1) return interpolationWeights({ nodes: [1, ...nodes], exponent });
  const [start, end] = lineWeights({ node: 1, exponent, slope: slopeOf(solver) });
  return [end, start];
}

function slopeOf(solver: UniPcSolver): 'half-width' | 'midpoint' {
  return solver === 'bh1' ? 'half-width' : 'midpoint';
}

function assertUncorrected(uncorrected: readonly number[] | 'all'): void {
  if (uncorrected === 'all') return;
  if (uncorrected.every((step) => Number.isSafeInteger(step) && step >= 0)) return;
  throw new InvalidArgumentError({
    argument: 'uncorrected',
    value: uncorrected,
    expected: 'steps, integers of 0 or more, or all',
  });
}

import {
  InvalidArgumentError,
  type NoiseProcess,
  NonFiniteError,
  type PlanStep,
  type Prediction,
  type SamplerPlan,
} from '@harmonica/core';
import { limitFields, type PredictionLimits } from './prediction-limits.js';

/** What a sampler decides for a step: `x' = carry * x + sum_j history[j] * p[n - j] + noise`, p the predictions. */
export type PlanUpdate = Pick<PlanStep, 'carry' | 'history' | 'noise'>;

/** A step before its limits. */
export type PlanRow = PlanUpdate & Pick<PlanStep, 'timestep' | 'toPrediction'>;

export interface AssemblePlanOptions {
  /** Name of the method. */
  readonly sampler: string;
  readonly prediction: Prediction;
  /** Default `'diffusion'`, which the plan leaves unsaid. */
  readonly process?: NoiseProcess | undefined;
  readonly settings: SamplerPlan['settings'];
  readonly limits: PredictionLimits;
  /** Default 1. */
  readonly initialStd?: number;
  readonly rows: readonly PlanRow[];
}

/**
 * A plan from its steps.
 *
 * @throws {@link InvalidArgumentError} if a limit is outside its range, or a step reads what was not made before it
 * @throws {@link NonFiniteError} if a step holds NaN or infinity
 */
export function assemblePlan(options: AssemblePlanOptions): SamplerPlan {
  const { sampler, prediction, process, settings, limits, initialStd = 1, rows } = options;
  const limit = limitFields(limits);
  const steps = rows.map((row, step) => {
    assertRow(row, step);
    const { timestep, toPrediction, carry, history, noise } = row;
    return { timestep, toPrediction, ...limit, carry, history, noise };
  });
  return {
    version: 1,
    sampler,
    prediction,
    ...(process && { process }),
    settings,
    initialStd,
    steps,
  };
}

function assertRow({ timestep, toPrediction, carry, history, noise }: PlanRow, step: number): void {
  const { kind: _, ...ofNoise } = noise;
  const { x, model } = toPrediction;
  const numbers = [timestep, x, model, carry, ...history, ...Object.values(ofNoise).flat()];
  if (!numbers.every(Number.isFinite)) throw new NonFiniteError({ site: 'sampler plan', step });
  if (history.length < 1 || history.length > step + 1) {
    throw new InvalidArgumentError({
      argument: `history of step ${step}`,
      value: history,
      expected: `1 to ${step + 1} factors, one for each prediction made so far`,
    });
  }
  if (noise.kind === 'fixed' && (noise.earlier?.length ?? 0) > step) {
    throw new InvalidArgumentError({
      argument: `noise of step ${step}`,
      value: noise.earlier,
      expected: `at most ${step} factors of earlier noise, one for each step before`,
    });
  }
}

import type { PlanStep } from '@harmonica/core';
import type { PlanUpdate } from './plan.js';

/** A drift `dx/dt = x * latent + model * prediction` at one point. */
export type Drift = PlanStep['toPrediction'];

/** Euler's step: `x' = x + dt * drift`. */
export function eulerStage(options: { readonly drift: Drift; readonly dt: number }): PlanUpdate {
  const { drift, dt } = options;
  return {
    carry: 1 + dt * drift.x,
    history: [dt * drift.model],
    noise: { kind: 'fixed', std: 0 },
  };
}

/**
 * The second half of Heun's step, after {@link eulerStage}: the latent moves by half of the difference between the drifts at
 * both ends. The drift at the start is worked out from the current latent and the prediction before this one.
 */
export function heunStage(options: {
  /** At the start of the step. */
  readonly before: Drift;
  /** At its end. */
  readonly drift: Drift;
  readonly dt: number;
}): PlanUpdate {
  const { before, drift, dt } = options;
  const growth = 1 + dt * before.x;
  return {
    carry: 1 + (dt / 2) * (drift.x - before.x / growth),
    history: [(dt / 2) * drift.model, (-(dt / 2) * before.model) / growth],
    noise: { kind: 'fixed', std: 0 },
  };
}

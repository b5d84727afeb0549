import type { PlanUpdate } from './assemble-plan.js';

/**
 * A predictor-corrector method's step, with predictions latest first and `corrected` the latent at the start of the step:
 *
 *     predictor      x'         = carry * corrected + sum_j history[j] * p[n - j] + noise
 *     corrector      corrected' = carry * corrected + sum_j corrector[j] * p[n + 1 - j] + the same noise
 */
export interface PredictorCorrectorStep {
  readonly predictor: PlanUpdate;
  /** Absent: the latent that the predictor gives is not corrected. */
  readonly corrector?: readonly number[];
}

/**
 * The steps as updates of the latent that the model sees, which is never corrected. The corrected latent differs from it by
 * `sum_j (corrector[j] - history[j - 1]) * p[n + 1 - j]`, because carry and noise are the same: predictions that the next
 * step has anyway. So a correction costs no tensor and no state; the step after it carries it on.
 */
export function foldCorrector(steps: readonly PredictorCorrectorStep[]): PlanUpdate[] {
  return steps.map(({ predictor }, index) => {
    const before = steps[index - 1];
    if (!before?.corrector) return predictor;
    const { carry, history, noise } = predictor;
    const correction = difference(before.corrector, [0, ...before.predictor.history]);
    const length = Math.max(history.length, correction.length);
    return {
      carry,
      history: Array.from({ length }, (_, j) => (history[j] ?? 0) + carry * (correction[j] ?? 0)),
      noise,
    };
  });
}

function difference(a: readonly number[], b: readonly number[]): number[] {
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, j) => (a[j] ?? 0) - (b[j] ?? 0));
}

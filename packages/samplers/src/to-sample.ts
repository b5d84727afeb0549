import {
  IncompatibleError,
  InvalidArgumentError,
  type PlanStep,
  type Prediction,
} from '@harmonica/core';

export interface ToSampleOptions {
  /** What the model's output stands for. */
  readonly prediction: Prediction;
  /** Share of the sample's variance in the latent, in [0, 1). */
  readonly alphaBar: number;
}

/**
 * Factors of the latent x and the model output m that give the clean sample, with a = sqrt(alphaBar) and
 * s = sqrt(1 - alphaBar): epsilon `(x - s m) / a` (DDPM 2020, Eq. 15), sample `m`, velocity `a x - s m`
 * (Salimans and Ho 2022, Appendix D).
 *
 * @throws {@link InvalidArgumentError} if the prediction is unknown
 * @throws {@link IncompatibleError} for epsilon at alphaBar 0, where x holds nothing of the sample
 */
export function toSample({ prediction, alphaBar }: ToSampleOptions): PlanStep['toPrediction'] {
  switch (prediction) {
    case 'epsilon':
      if (alphaBar === 0) {
        throw new IncompatibleError({
          what: 'prediction',
          actual: prediction,
          expected: 'sample or velocity, because the schedule ends in pure noise',
          fix: 'Use a model that predicts one of these, or do not rescale to zero terminal SNR.',
        });
      }
      return { x: Math.sqrt(1 / alphaBar), model: -Math.sqrt(1 / alphaBar - 1) };
    case 'sample':
      return { x: 0, model: 1 };
    case 'velocity':
      return { x: Math.sqrt(alphaBar), model: -Math.sqrt(1 - alphaBar) };
    default:
      throw new InvalidArgumentError({
        argument: 'prediction',
        value: prediction,
        expected: 'epsilon, sample or velocity',
      });
  }
}

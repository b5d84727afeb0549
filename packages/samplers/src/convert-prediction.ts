import {
  IncompatibleError,
  InvalidArgumentError,
  type PlanStep,
  type Prediction,
} from '@harmonica/core';
import type { NoisePoint } from './noise-point.js';

export interface ConvertPredictionOptions {
  /** What is known besides the latent. */
  readonly from: Prediction;
  /** What is wanted. */
  readonly to: Prediction;
  readonly point: NoisePoint;
}

/**
 * Factors of the latent x and of one prediction m that give another: `x` and `m` are two combinations of sample and noise,
 * the wanted one is a third.
 *
 * @throws {@link InvalidArgumentError} if a prediction is unknown
 * @throws {@link IncompatibleError} if x and m say the same at this point: noise at alpha 0, a sample at sigma 0
 */
export function convertPrediction(options: ConvertPredictionOptions): PlanStep['toPrediction'] {
  const { from, to, point } = options;
  const known = combinationOf(from, point);
  const wanted = combinationOf(to, point);
  if (from === to) return { x: 0, model: 1 };
  const { alpha, sigma } = point;
  const determinant = alpha * known.noise - sigma * known.sample;
  if (determinant === 0) {
    throw new IncompatibleError({
      what: 'prediction',
      actual: from,
      expected: `one that tells more than the latent does at alpha ${alpha}, sigma ${sigma}`,
      fix: alpha === 0 ? 'Use a model that predicts the sample or the velocity.' : 'Stop earlier.',
    });
  }
  // Adding 0 turns -0, which JSON does not keep, into 0.
  return {
    x: (wanted.sample * known.noise - wanted.noise * known.sample) / determinant + 0,
    model: (alpha * wanted.noise - sigma * wanted.sample) / determinant + 0,
  };
}

function combinationOf(prediction: Prediction, { alphaSlope, sigmaSlope }: NoisePoint) {
  switch (prediction) {
    case 'sample':
      return { sample: 1, noise: 0 };
    case 'epsilon':
      return { sample: 0, noise: 1 };
    case 'velocity':
      return { sample: alphaSlope, noise: sigmaSlope };
    default:
      throw new InvalidArgumentError({
        argument: 'prediction',
        value: prediction,
        expected: 'epsilon, sample or velocity',
      });
  }
}

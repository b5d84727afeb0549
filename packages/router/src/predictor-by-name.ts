import { type CachePredictor, InvalidArgumentError, type PredictorName } from '@harmonica/core';
import { holdPredictor, linearPredictor, quadraticPredictor } from './polynomial-predictor.js';

/** The predictors that a schedule or router file can name. */
export const PREDICTOR_NAMES: readonly PredictorName[] = ['hold', 'linear', 'quadratic'];

/**
 * The predictor that a schedule or router file names.
 *
 * @throws {@link InvalidArgumentError} if there is no predictor of that name.
 */
export function predictorByName(name: PredictorName): CachePredictor {
  switch (name) {
    case 'hold':
      return holdPredictor;
    case 'linear':
      return linearPredictor;
    case 'quadratic':
      return quadraticPredictor;
    default:
      throw new InvalidArgumentError({
        argument: 'predictor',
        value: name,
        expected: `one of ${PREDICTOR_NAMES.join(', ')}`,
      });
  }
}

import {
  type CachePredictor,
  InvalidArgumentError,
  PREDICTOR_NAMES,
  type PredictorChoice,
  type PredictorName,
} from '@harmonica/core';
import { halfLinearPredictor, halfQuadraticPredictor } from './halfway-predictor.js';
import {
  cubicPredictor,
  holdPredictor,
  linearPredictor,
  quadraticPredictor,
} from './polynomial-predictor.js';
import { taylorPredictor } from './taylor-predictor.js';

/**
 * The predictor that a schedule or router file names: one for all steps, or one for each.
 *
 * @throws {@link InvalidArgumentError} if there is no predictor of that name.
 */
export function predictorByName(choice: PredictorChoice): CachePredictor {
  return typeof choice === 'string' ? named(choice) : perStepPredictor(choice.map(named));
}

/**
 * Another predictor in every step. Early steps, where features move smoothly, gain from a high degree; late ones, where
 * they do not, from a low one.
 *
 * @param predictors one for each step.
 * @throws {@link InvalidArgumentError} if there is none, or a step beyond them is predicted.
 */
export function perStepPredictor(predictors: readonly CachePredictor[]): CachePredictor {
  const depth = Math.max(0, ...predictors.map((predictor) => predictor.depth));
  const at = (step: number): CachePredictor => {
    const predictor = predictors[step];
    if (predictor) return predictor;
    throw new InvalidArgumentError({
      argument: 'step',
      value: step,
      expected: `a step below ${predictors.length}, for which there is a predictor`,
    });
  };
  if (depth === 0) at(0);
  return {
    name: 'per-step',
    depth,
    weights(step, computed) {
      const predictor = at(step);
      const read = computed.slice(0, predictor.depth);
      const unread = computed.slice(predictor.depth).map(() => 0);
      return [...predictor.weights(step, read), ...unread];
    },
  };
}

function named(name: PredictorName): CachePredictor {
  switch (name) {
    case 'hold':
      return holdPredictor;
    case 'linear':
      return linearPredictor;
    case 'quadratic':
      return quadraticPredictor;
    case 'cubic':
      return cubicPredictor;
    case 'half-linear':
      return halfLinearPredictor;
    case 'half-quadratic':
      return halfQuadraticPredictor;
    case 'taylor-0':
    case 'taylor-1':
    case 'taylor-2':
    case 'taylor-3':
    case 'taylor-4':
    case 'taylor-5':
    case 'taylor-6':
    case 'taylor-7':
    case 'taylor-8':
      return taylorPredictor({ order: Number(name.slice('taylor-'.length)) });
    default:
      throw new InvalidArgumentError({
        argument: 'predictor',
        value: name,
        expected: `one of ${PREDICTOR_NAMES.join(', ')}`,
      });
  }
}

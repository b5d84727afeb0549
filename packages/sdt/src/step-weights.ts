import {
  cumulativeLambda,
  type LambdaOptions,
  leaveOneOutLambda,
  marginalLambda,
} from '@harmonica/iepo';
import type { ProxyName } from './training-config.js';

/** lambda(t) and the loss weights that follow from it, one of each per step. */
export interface StepWeights {
  readonly lambda: readonly number[];
  readonly weights: readonly number[];
}

export interface StepWeightsOptions {
  readonly proxy: ProxyName;
  /** Soft scores in force, as the trainer applies them. */
  readonly soft: LambdaOptions['scores'];
  /** The same as hard decisions, 0 and 1. */
  readonly hard: LambdaOptions['scores'];
  readonly run: LambdaOptions['run'];
  readonly latent: LambdaOptions['latent'];
  readonly signal?: AbortSignal;
}

/**
 * The weight of each step in the loss, by the chosen proxy:
 *
 * - `leave-one-out`, `cumulative`: lambda(t) itself, as in the paper and its code;
 * - `marginal`: lambda(t) / error(t), which turns an error of the model output at step t into one of the image, over the
 *   mean of lambda, so that beta does not depend on the model;
 * - `uniform`: 1 (the objective without the proxy).
 */
export async function stepWeights(options: StepWeightsOptions): Promise<StepWeights> {
  const { proxy, run, latent, signal, soft, hard } = options;
  const shared = { run, latent, ...(signal && { signal }) };
  switch (proxy) {
    case 'uniform': {
      const ones = soft.map((_, step) => (step === 0 ? 0 : 1));
      return { lambda: ones, weights: ones };
    }
    case 'leave-one-out': {
      const lambda = await leaveOneOutLambda({ ...shared, scores: soft });
      return { lambda, weights: lambda };
    }
    case 'cumulative': {
      const lambda = await cumulativeLambda({ ...shared, scores: soft });
      return { lambda, weights: lambda };
    }
    case 'marginal': {
      const { lambda, stepError } = await marginalLambda({ ...shared, scores: hard });
      return { lambda, weights: perUnitError(lambda, stepError) };
    }
  }
}

function perUnitError(lambda: readonly number[], stepError: readonly number[]): number[] {
  const mean = lambda.reduce((sum, value) => sum + value, 0) / Math.max(1, lambda.length - 1);
  return lambda.map((value, step) => {
    const error = stepError[step] as number;
    return error > 0 && mean > 0 ? value / error / mean : 0;
  });
}

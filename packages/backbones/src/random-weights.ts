import { createRng } from '@harmonica/core';
import type { Parameter } from './parameter.js';
import { Weights } from './weights.js';

export interface RandomWeightsOptions {
  /** What the weights belong to, for error messages. */
  readonly owner: string;
  readonly parameters: readonly Parameter[];
  /** Integer in [0, 2^53). */
  readonly seed: number;
}

/** Independent normal values for every parameter; parameter number i draws from stream i of the seed. */
export function randomWeights({ owner, parameters, seed }: RandomWeightsOptions): Weights {
  const weights = new Weights(owner);
  for (const [stream, parameter] of parameters.entries()) {
    const { mean, std } = parameter.random;
    const values = new Float32Array(parameter.shape.reduce((a, b) => a * b, 1));
    createRng({ seed, stream }).fillNormal(values);
    weights.set(
      parameter.name,
      values.map((value) => mean + std * value),
      parameter.shape,
    );
  }
  return weights;
}

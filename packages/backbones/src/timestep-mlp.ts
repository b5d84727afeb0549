import type { Rank, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { dense } from './dense.js';
import { linearParameters, type Parameter } from './parameter.js';
import { silu } from './silu.js';
import {
  TIMESTEP_EMBEDDING_WIDTH,
  timestepEmbedding,
  timestepFrequencies,
} from './timestep-embedding.js';
import type { Weights } from './weights.js';

const FREQUENCIES = 'constant.frequencies';

export interface TimestepMlpOptions {
  /** The numbers to embed, `[N]`. */
  readonly time: Tensor1D;
  readonly weights: Weights;
  /** Where the layers `mlp.0` and `mlp.2` stand in `weights`. */
  readonly name: string;
}

/** `mlp.2(silu(mlp.0(waves)))` of the sinusoidal embedding of numbers. Returns `[N, D]`; the caller owns it. */
export function timestepMlp({ time, weights, name }: TimestepMlpOptions): Tensor {
  const frequencies = weights.get<Rank.R1>(FREQUENCIES);
  const waves = timestepEmbedding({ time, frequencies });
  const hidden = silu(dense({ x: waves, weights, name: `${name}.mlp.0` }));
  return dense({ x: hidden, weights, name: `${name}.mlp.2` });
}

/** What {@link timestepMlp} needs beside its parameters. */
export function addTimestepFrequencies(weights: Weights): void {
  const frequencies = timestepFrequencies();
  weights.set(FREQUENCIES, frequencies, [frequencies.length]);
}

/** The parameters of {@link timestepMlp}. */
export function timestepMlpParameters(name: string, width: number): Parameter[] {
  return [
    ...linearParameters(`${name}.mlp.0`, TIMESTEP_EMBEDDING_WIDTH, width),
    ...linearParameters(`${name}.mlp.2`, width, width),
  ];
}

/** Multiply-accumulates of {@link timestepMlp} for one number. */
export function timestepMlpMacs(width: number): number {
  return TIMESTEP_EMBEDDING_WIDTH * width + width * width;
}

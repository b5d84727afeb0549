import {
  concat,
  cos,
  mul,
  type Rank,
  reshape,
  sin,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { linearParameters, type Parameter } from '../weights/parameter.js';
import type { Weights } from '../weights/weights.js';
import { dense, silu } from './linear.js';

/** Width of the sinusoidal embedding that the published DiT feeds to its timestep MLP. */
const TIMESTEP_EMBEDDING_WIDTH = 256;

/**
 * The angular frequencies `exp(-ln(10000) i / n)`, i = 0..n-1, of a sinusoidal embedding, n = `width / 2`. Every
 * intermediate is rounded to float32 like the published code's: at time 999 one unit in the last place of a frequency
 * already moves the embedding by 6e-5.
 *
 * @param width even; default 256
 */
export function timestepFrequencies(width = TIMESTEP_EMBEDDING_WIDTH): Float32Array {
  const half = width / 2;
  const decay = Math.fround(-Math.log(10_000));
  return Float32Array.from({ length: half }, (_, i) =>
    Math.exp(Math.fround(Math.fround(decay * i) / half)),
  );
}

/** Options of {@link timestepEmbedding}. */
export interface TimestepEmbeddingOptions {
  /** `[B]`; fractions are allowed. */
  readonly time: Tensor1D;
  /** `[n]`, from {@link timestepFrequencies}. */
  readonly frequencies: Tensor1D;
}

/**
 * `[cos(t f), sin(t f)]` for every time t and frequency f, as the published DiT orders them.
 *
 * @returns `[B, 2 n]`; the caller owns it
 */
export function timestepEmbedding({ time, frequencies }: TimestepEmbeddingOptions): Tensor2D {
  const angles: Tensor2D = mul(reshape(time, [-1, 1]), frequencies);
  return concat([cos(angles), sin(angles)], 1);
}

const FREQUENCIES = 'constant.frequencies';

interface TimestepMlpOptions {
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

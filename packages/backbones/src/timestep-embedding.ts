import {
  concat,
  cos,
  mul,
  reshape,
  sin,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';

/** Width of the sinusoidal embedding that the published DiT feeds to its timestep MLP. */
export const TIMESTEP_EMBEDDING_WIDTH = 256;

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

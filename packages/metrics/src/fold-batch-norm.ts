/** A convolution with a bias that computes what a convolution followed by batch normalization does. */
export interface FoldedConvolution {
  /** Row-major `[height, width, in, out]`. */
  readonly shape: readonly [number, number, number, number];
  readonly filter: Float32Array;
  /** `[out]`. */
  readonly shift: Float32Array;
}

/** A convolution without bias, and what its batch normalization has learned; vectors are `[out]`. */
interface NormalizedConvolution {
  readonly shape: FoldedConvolution['shape'];
  readonly filter: Float32Array;
  /** Scale. Default 1. */
  readonly gamma?: Float32Array;
  /** Shift. */
  readonly beta: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  /** Added to the variance. */
  readonly epsilon: number;
}

/** `gamma (filter x - mean) / sqrt(variance + epsilon) + beta` as one convolution, worked out in float64. */
export function foldBatchNorm(convolution: NormalizedConvolution): FoldedConvolution {
  const { shape, filter, gamma, beta, mean, variance, epsilon } = convolution;
  const outputs = shape[3];
  const scale = Float64Array.from(
    variance,
    (value, i) => (gamma?.[i] ?? 1) / Math.sqrt(value + epsilon),
  );
  return {
    shape,
    filter: filter.map((value, i) => value * (scale[i % outputs] as number)),
    shift: beta.map((value, i) => value - (mean[i] as number) * (scale[i] as number)),
  };
}

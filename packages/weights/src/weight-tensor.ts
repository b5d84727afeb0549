import type { WeightInfo } from '@harmonica/core';

/** One tensor of a checkpoint, in memory. */
export interface WeightTensor extends WeightInfo {
  /** Row-major values, as many as `shape` says. */
  readonly data: Float32Array;
}

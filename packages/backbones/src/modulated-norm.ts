import { add, mul, slice, type Tensor, type Tensor3D } from '@tensorflow/tfjs-core';
import { layerNorm } from './layer-norm.js';

export interface ModulatedNormOptions {
  /** `[B, L, D]`. */
  readonly x: Tensor;
  /** `[B, rows, D]`: shifts, scales and gates of one block, made from the condition. */
  readonly modulation: Tensor3D;
  /** Row of the shift; the scale is the next row. */
  readonly row: number;
}

/**
 * Adaptive layer norm: `layerNorm(x) * (1 + scale) + shift` (Peebles and Xie, 2022, Sec. 3.2).
 *
 * @returns `[B, L, D]`; the caller owns it
 */
export function modulatedNorm({ x, modulation, row }: ModulatedNormOptions): Tensor {
  const shift = modulationRow(modulation, row);
  const scale = modulationRow(modulation, row + 1);
  return add(mul(layerNorm(x), add(scale, 1)), shift);
}

/** One row of a modulation `[B, rows, D]` as `[B, 1, D]`, which broadcasts over tokens. The caller owns it. */
export function modulationRow(modulation: Tensor3D, row: number): Tensor3D {
  return slice(modulation, [0, row, 0], [-1, 1, -1]);
}

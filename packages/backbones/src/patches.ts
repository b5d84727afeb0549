import {
  reshape,
  type Tensor,
  type Tensor3D,
  type Tensor4D,
  transpose,
} from '@tensorflow/tfjs-core';

export interface PatchifyOptions {
  /** `[B, H, W, C]`, H and W multiples of `patchSize`. */
  readonly image: Tensor4D;
  readonly patchSize: number;
}

/**
 * Cuts an image into square patches, row by row; a patch's values are ordered (row, column, channel).
 *
 * @returns `[B, H * W / patchSize^2, patchSize^2 * C]`; the caller owns it
 */
export function patchify({ image, patchSize }: PatchifyOptions): Tensor3D {
  const [, height, width, channels] = image.shape;
  const rows = height / patchSize;
  const columns = width / patchSize;
  const strips = reshape(image, [-1, patchSize, columns, patchSize * channels]);
  const patches = transpose(strips, [0, 2, 1, 3]);
  return reshape(patches, [-1, rows * columns, patchSize * patchSize * channels]);
}

export interface UnpatchifyOptions {
  /** `[B, rows * columns, patchSize^2 * C]`. */
  readonly patches: Tensor;
  readonly patchSize: number;
  readonly rows: number;
  readonly columns: number;
}

/**
 * The inverse of {@link patchify}.
 *
 * @returns `[B, rows * patchSize, columns * patchSize, C]`; the caller owns it
 */
export function unpatchify(options: UnpatchifyOptions): Tensor4D {
  const { patches, patchSize, rows, columns } = options;
  const channels = (patches.shape[2] ?? 0) / patchSize ** 2;
  const grid = reshape(patches, [-1, columns, patchSize, patchSize * channels]);
  const strips = transpose(grid, [0, 2, 1, 3]);
  return reshape(strips, [-1, rows * patchSize, columns * patchSize, channels]);
}

import {
  reshape,
  type Tensor,
  type Tensor3D,
  type Tensor4D,
  transpose,
} from '@tensorflow/tfjs-core';

interface PatchifyOptions {
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

interface UnpatchifyOptions {
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

/** Options of {@link sinCosPosition}. */
export interface SinCosPositionOptions {
  /** Tokens along one side of the square grid, or its sides. */
  readonly gridSize: number | { readonly rows: number; readonly columns: number };
  /** Width D of a token, a multiple of 4. */
  readonly width: number;
  /** Side of the grid whose coordinates the grid is stretched to. Default: each side's own. */
  readonly baseSize?: number;
  /** What coordinates are divided by, beside that. Default 1. */
  readonly interpolation?: number;
}

/**
 * The fixed 2D position embedding of MAE and DiT. The first half of a token's channels encodes its column, the second
 * its row; each half is `[sin(p w_i), cos(p w_i)]` with `w_i = 10000^(-i / (D / 4))`. The coordinate p counts tokens;
 * with a base size it is `i * base / side / interpolation`, as PixArt has it, rounded to float32 at each division like
 * the published code. The rest is computed in float64.
 *
 * @returns `[rows * columns, width]`, row-major
 */
export function sinCosPosition(options: SinCosPositionOptions): Float32Array {
  const { gridSize, width, baseSize, interpolation = 1 } = options;
  const { rows, columns } =
    typeof gridSize === 'number' ? { rows: gridSize, columns: gridSize } : gridSize;
  const coordinate = (i: number, side: number): number =>
    Math.fround(Math.fround(i / (baseSize === undefined ? 1 : side / baseSize)) / interpolation);
  const half = width / 2;
  const table = new Float32Array(rows * columns * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const start = (row * columns + column) * width;
      writeSinCos(table.subarray(start, start + half), coordinate(column, columns));
      writeSinCos(table.subarray(start + half, start + width), coordinate(row, rows));
    }
  }
  return table;
}

function writeSinCos(target: Float32Array, position: number): void {
  const count = target.length / 2;
  for (let i = 0; i < count; i++) {
    const angle = position / 10_000 ** (i / count);
    target[i] = Math.sin(angle);
    target[count + i] = Math.cos(angle);
  }
}

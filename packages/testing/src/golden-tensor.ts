import { assertArgument, ShapeError } from '@harmonica/core';

/** Values of a golden tensor, in the type they are stored in. */
export type GoldenData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>;

/** A tensor in memory, row-major. */
export interface GoldenTensor<Data extends GoldenData = GoldenData> {
  readonly shape: readonly number[];
  readonly data: Data;
}

/** Number of elements of a shape; 1 for a scalar's `[]`. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

/**
 * One entry along the leading dimensions: `entryOf(x, 1, 4)` is `x[1][4]`, in memory of its own.
 *
 * @throws {@link InvalidArgumentError} if an index is outside its dimension
 */
export function entryOf<Data extends GoldenData>(
  tensor: GoldenTensor<Data>,
  ...indices: readonly number[]
): GoldenTensor<Data> {
  const shape = tensor.shape.slice(indices.length);
  const position = indices.reduce(
    (sum, index, axis) => sum * sizeAt({ tensor, axis, index }) + index,
    0,
  );
  const size = elementCount(shape);
  return { shape, data: tensor.data.slice(position * size, (position + 1) * size) as Data };
}

function sizeAt(options: { tensor: GoldenTensor; axis: number; index: number }): number {
  const { tensor, axis, index } = options;
  const size = tensor.shape[axis] ?? 0;
  const expected = `an integer below ${size}, for shape [${tensor.shape.join(', ')}]`;
  const isInside = Number.isInteger(index) && index >= 0 && index < size;
  assertArgument({ [`index ${axis}`]: index }, expected, isInside);
  return size;
}

/**
 * Moves channels from PyTorch's place to TensorFlow's: `[..., C, H, W]` to `[..., H, W, C]`.
 *
 * @throws {@link ShapeError} if there are fewer than three dimensions
 */
export function nchwToNhwc<Data extends GoldenData>(
  tensor: GoldenTensor<Data>,
): GoldenTensor<Data> {
  const [channels, height, width] = tensor.shape.slice(-3);
  if (channels === undefined || height === undefined || width === undefined) {
    throw new ShapeError({ tensor: 'latent', actual: tensor.shape, expected: [null, null, null] });
  }
  const pixels = height * width;
  const data = tensor.data.slice() as Data;
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / pixels) % channels;
    const image = i - (i % (channels * pixels));
    data[image + (i % pixels) * channels + channel] = tensor.data[i] as number;
  }
  return { shape: [...tensor.shape.slice(0, -3), height, width, channels], data };
}

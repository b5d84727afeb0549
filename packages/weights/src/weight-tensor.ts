import { InvalidArgumentError, type WeightInfo } from '@harmonica/core';
import { elementCount, isShape } from './shape.js';

/** One tensor of a checkpoint, in memory. */
export interface WeightTensor extends WeightInfo {
  /** Row-major values, as many as `shape` says. */
  readonly data: Float32Array;
}

/** A tensor to write. `data` is row-major. */
export type TensorToWrite = Pick<WeightTensor, 'shape' | 'data'>;

/** Throws {@link InvalidArgumentError}, in which the tensor is called `argument`, unless its data fills its shape. */
export function assertFilled(argument: string, { shape, data }: TensorToWrite): void {
  if (!isShape(shape)) {
    const expected = 'integers from 0';
    throw new InvalidArgumentError({ argument: `${argument}.shape`, value: shape, expected });
  }
  if (elementCount(shape) === data.length) return;
  throw new InvalidArgumentError({
    argument: `${argument}.data`,
    value: `${data.length} values`,
    expected: `${elementCount(shape)} values for shape [${shape.join(', ')}]`,
  });
}

import { InvalidArgumentError, ShapeError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { entryOf, nchwToNhwc } from './golden-tensor.js';

function counting(...shape: number[]) {
  const size = shape.reduce((product, n) => product * n, 1);
  return { shape, data: Float64Array.from({ length: size }, (_, i) => i) };
}

describe('entryOf', () => {
  it('takes leading indices', () => {
    const { shape, data } = entryOf(counting(2, 3, 4), 1, 2);
    expect(shape).toEqual([4]);
    expect([...data]).toEqual([20, 21, 22, 23]);
  });

  it('copies', () => {
    const tensor = counting(2, 2);
    entryOf(tensor, 1).data.fill(-1);
    expect([...tensor.data]).toEqual([0, 1, 2, 3]);
  });

  it.each([[[2]], [[-1]], [[0.5]], [[0, 3]], [[0, 0, 0]]])('refuses %j', (indices) => {
    expect(() => entryOf(counting(2, 3), ...indices)).toThrow(InvalidArgumentError);
  });
});

describe('nchwToNhwc', () => {
  it('moves channels last and keeps leading dimensions', () => {
    const [images, channels, height, width] = [2, 3, 2, 4] as const;
    const tensor = counting(1, images, channels, height, width);
    const moved = nchwToNhwc(tensor);
    expect(moved.shape).toEqual([1, images, height, width, channels]);
    const at = (n: number, c: number, h: number, w: number) =>
      ((n * channels + c) * height + h) * width + w;
    const expected = [];
    for (let n = 0; n < images; n++)
      for (let h = 0; h < height; h++)
        for (let w = 0; w < width; w++)
          for (let c = 0; c < channels; c++) expected.push(at(n, c, h, w));
    expect([...moved.data]).toEqual(expected);
  });

  it('refuses what is no image', () => {
    expect(() => nchwToNhwc(counting(2, 3))).toThrow(ShapeError);
  });
});

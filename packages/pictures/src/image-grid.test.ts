import { InvalidArgumentError, ShapeError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { imageGrid } from './image-grid.js';

const flat = (value: number, width = 2, height = 1) => ({
  data: new Uint8Array(width * height * 3).fill(value),
  width,
  height,
  channels: 3,
});

describe('imageGrid', () => {
  it('puts images in rows on white', () => {
    const grid = imageGrid({ images: [flat(1), flat(2), flat(3)], gap: 1 });
    const red = [...grid.data].filter((_, i) => i % 3 === 0);
    expect([grid.width, grid.height]).toEqual([5, 3]);
    expect(red).toEqual(
      [
        [1, 1, 255, 2, 2],
        [255, 255, 255, 255, 255],
        [3, 3, 255, 255, 255],
      ].flat(),
    );
  });

  it('takes a number of columns', () => {
    const grid = imageGrid({ images: [flat(1), flat(2), flat(3)], columns: 3, gap: 0 });
    expect([grid.width, grid.height]).toEqual([6, 1]);
  });

  it('refuses no images and images of several sizes', () => {
    expect(() => imageGrid({ images: [] })).toThrow(InvalidArgumentError);
    expect(() => imageGrid({ images: [flat(1), flat(1, 3)] })).toThrow(ShapeError);
  });
});

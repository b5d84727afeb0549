import '@tensorflow/tfjs-backend-cpu';
import { expect, it } from 'vitest';
import { fitImage } from './codec.js';

/** One channel whose bytes are given row by row. */
const imageOf = (rows: readonly (readonly number[])[]) => ({
  data: Uint8Array.from(rows.flat()),
  height: rows.length,
  width: rows[0]?.length ?? 0,
  channels: 1,
});
const fitted = (rows: readonly (readonly number[])[], height: number, width = height) => {
  const tensor = fitImage(imageOf(rows), { height, width });
  const values = Array.from(tensor.dataSync(), (value) => (value + 1) * 127.5);
  expect(tensor.shape).toEqual([1, height, width, 1]);
  tensor.dispose();
  return values;
};

it('keeps an image of the size as it is', () => {
  const values = fitted(
    [
      [0, 255],
      [51, 102],
    ],
    2,
  );
  [0, 255, 51, 102].forEach((byte, i) => {
    expect(Math.abs((values[i] as number) - byte)).toBeLessThan(1e-4);
  });
});

it('averages what is twice too large', () => {
  const values = fitted(
    [
      [0, 100, 8, 8],
      [100, 200, 8, 8],
      [20, 20, 40, 60],
      [20, 20, 80, 100],
    ],
    2,
  );
  [100, 8, 20, 70].forEach((byte, i) => {
    expect(Math.abs((values[i] as number) - byte)).toBeLessThan(1e-4);
  });
});

it('takes the centre of a long image', () => {
  const row = [10, 20, 30, 40];
  const values = fitted([row, row], 2);
  [20, 30, 20, 30].forEach((byte, i) => {
    expect(Math.abs((values[i] as number) - byte)).toBeLessThan(1e-4);
  });
});

it('enlarges what is too small, and shrinks by less than two, by bilinear interpolation', () => {
  const pair = [
    [0, 200],
    [0, 200],
  ];
  expect(fitted(pair, 4).slice(0, 4).map(Math.round)).toEqual([0, 50, 150, 200]);
  const row = [0, 92, 184];
  expect(fitted([row, row, row], 2).slice(0, 2).map(Math.round)).toEqual([23, 161]);
});

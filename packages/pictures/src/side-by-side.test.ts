import { expect, it } from 'vitest';
import { decodePng } from './png.js';
import { sideBySide } from './side-by-side.js';

const [width, height, MARGIN] = [300, 4, 16];
const image = (seed: number) => ({
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (seed * i) % 256),
  width,
  height,
  channels: 3,
});
const pictures = [
  { label: 'uncached', image: image(7) },
  { label: 'cached', image: image(11) },
];

it('puts pictures under their labels, pixel by pixel, with white around', async () => {
  const sheet = decodePng(await sideBySide(pictures));
  expect(sheet.width).toBe(MARGIN + width + MARGIN + width + MARGIN);
  const row = (y: number, x: number, count: number) => {
    const start = 3 * (y * sheet.width + x);
    return sheet.data.subarray(start, start + 3 * count);
  };
  const top = sheet.height - MARGIN - height;
  for (const [i, { image }] of pictures.entries()) {
    const left = MARGIN + i * (width + MARGIN);
    for (let y = 0; y < height; y++) {
      const expected = image.data.subarray(3 * y * width, 3 * (y + 1) * width);
      expect(row(top + y, left, width)).toEqual(expected);
      expect(row(top + y, left - MARGIN, MARGIN).every((value) => value === 255)).toBe(true);
    }
  }
  const above = sheet.data.subarray(0, 3 * top * sheet.width);
  expect(above.filter((value) => value < 128).length).toBeGreaterThan(1000);
});

it('makes room for labels wider than their pictures', async () => {
  const sheet = decodePng(
    await sideBySide(
      pictures.map(({ image }) => ({ label: 'a label of many words, and more', image })),
    ),
  );
  const columns = Array.from({ length: sheet.width }, (_, x) => x);
  const isWhite = (x: number) =>
    Array.from({ length: sheet.height }, (_, y) => sheet.data[3 * (y * sheet.width + x)]).every(
      (value) => value === 255,
    );
  expect(columns.slice(-MARGIN).every(isWhite)).toBe(true);
  expect(sheet.width).toBeGreaterThan(2 * width + 3 * MARGIN);
});

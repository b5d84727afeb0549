import { describe, expect, it } from 'vitest';
import { sideBySide } from './image-grid.js';
import { textImage } from './text-image.js';

const dark = (image: { data: ArrayLike<number> }) =>
  Array.from(image.data).filter((value) => value < 128).length;

describe('textImage', () => {
  it('draws dark letters on white, as wide as the text', () => {
    const [short, long] = [textImage('1.8 s'), textImage('1.8 s, 1.8 s')];
    expect(dark(short)).toBeGreaterThan(100);
    expect(dark(long)).toBeGreaterThan(2 * dark(short));
    expect(long.height).toBe(short.height);
    expect([...short.data.slice(0, 3)]).toEqual([255, 255, 255]);
  });

  it('cuts no letter off', () => {
    const { data, width, height } = textImage('Egypt, guidance (fjord)');
    const row = (y: number) => data.slice(y * width * 3, (y + 1) * width * 3);
    for (const y of [0, height - 1]) expect(row(y).every((value) => value === 255)).toBe(true);
  });
});

describe('sideBySide', () => {
  it('puts pictures under their labels', () => {
    const image = { data: new Uint8Array(300 * 2 * 3), width: 300, height: 2, channels: 3 };
    const sheet = sideBySide([
      { label: 'uncached', image },
      { label: 'cached', image },
    ]);
    expect(sheet.width).toBe(16 + 300 + 16 + 300 + 16);
    const last = (sheet.height - 16 - 1) * sheet.width;
    const columns = [15, 16, 315, 316, 331, 332, 631, 632];
    expect(columns.map((x) => sheet.data[3 * (last + x)])).toEqual([
      255, 0, 0, 255, 255, 0, 0, 255,
    ]);
  });
});

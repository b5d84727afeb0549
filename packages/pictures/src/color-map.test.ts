import { describe, expect, it } from 'vitest';
import { type Rgb, scoreColor, toHex } from './heat-map-terminal.js';

/** sRGB bytes to OKLab (Ottosson 2020), the inverse of what the map does, with the published matrices. */
function toOklab(color: Rgb): readonly [number, number, number] {
  const [r, g, b] = color.map((byte) => {
    const c = byte / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

const samples = Array.from({ length: 9 }, (_, i) => toOklab(scoreColor(i / 8)));

describe('scoreColor', () => {
  it('is perceptually uniform: equal steps of score are equal distances in OKLab, to 4 %', () => {
    const distances = samples.slice(1).map((lab, i) => {
      const [lightness, a, b] = samples[i] as (typeof samples)[0];
      return Math.hypot(lab[0] - lightness, lab[1] - a, lab[2] - b);
    });
    expect(Math.max(...distances) / Math.min(...distances)).toBeLessThan(1.04);
  });

  it('rises in lightness alone by equal steps, so that it reads in grey too', () => {
    samples.forEach(([lightness], i) => {
      expect(Math.abs(lightness - (0.25 + 0.68 * (i / 8)))).toBeLessThan(0.004);
    });
  });

  it('clamps what lies outside [0, 1]', () => {
    expect(scoreColor(-1)).toEqual(scoreColor(0));
    expect(scoreColor(2)).toEqual(scoreColor(1));
  });
});

it('writes colours in hexadecimal', () => {
  expect(toHex([0, 10, 255])).toBe('#000aff');
});

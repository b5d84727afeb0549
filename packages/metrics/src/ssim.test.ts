import { InvalidArgumentError, NonFiniteError, type PixelImage, ShapeError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { meanSsim, ssim } from './ssim.js';

const ramp: PixelImage = {
  data: Float32Array.from({ length: 12 * 15 * 3 }, (_, i) => (i % 37) / 36),
  width: 15,
  height: 12,
  channels: 3,
};
const faded = { ...ramp, data: ramp.data.map((value) => 0.5 * value) };

describe('ssim', () => {
  it('is 1 for identical images and less for others', () => {
    expect(ssim({ reference: ramp, image: ramp, dataRange: 1 })).toBeCloseTo(1, 12);
    expect(ssim({ reference: ramp, image: faded, dataRange: 1 })).toBeLessThan(0.9);
  });

  it('is the luminance term alone for flat images', () => {
    const flat = (value: number) => ({ ...ramp, data: new Float64Array(12 * 15 * 3).fill(value) });
    const c1 = 0.01 ** 2;
    const expected = (2 * 0.2 * 0.6 + c1) / (0.2 ** 2 + 0.6 ** 2 + c1);
    expect(ssim({ reference: flat(0.2), image: flat(0.6), dataRange: 1 })).toBeCloseTo(
      expected,
      10,
    );
  });

  it('refuses images smaller than its window, NaN and a missing range', () => {
    const small = { data: new Float32Array(110), width: 11, height: 10, channels: 1 };
    expect(() => ssim({ reference: small, image: small, dataRange: 1 })).toThrow(ShapeError);
    const holed = { ...ramp, data: ramp.data.map((v, i) => (i === 7 ? Number.NaN : v)) };
    expect(() => ssim({ reference: ramp, image: holed, dataRange: 1 })).toThrow(NonFiniteError);
    expect(() => ssim({ reference: ramp, image: ramp })).toThrow(InvalidArgumentError);
  });
});

describe('meanSsim', () => {
  it('averages the pairs', () => {
    const { mean, values } = meanSsim({
      references: [ramp, ramp],
      images: [ramp, faded],
      dataRange: 1,
    });
    const single = ssim({ reference: ramp, image: faded, dataRange: 1 });
    expect(values[0]).toBeCloseTo(1, 12);
    expect(values[1]).toBe(single);
    expect(mean).toBeCloseTo((1 + single) / 2, 12);
  });

  it('refuses empty sets', () => {
    expect(() => meanSsim({ references: [], images: [] })).toThrow(InvalidArgumentError);
  });
});

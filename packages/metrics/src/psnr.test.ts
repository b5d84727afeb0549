import { HarmonicaError, type PixelImage } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { meanPsnr, psnr } from './psnr.js';

const grey = (...samples: number[]): PixelImage => ({
  data: new Float64Array(samples),
  width: samples.length,
  height: 1,
  channels: 1,
});

describe('psnr', () => {
  it('is 10 log10(range^2 / MSE)', () => {
    const pair = { reference: grey(0, 0), image: grey(0.1, 0.1), dataRange: 1 };
    expect(psnr(pair)).toBeCloseTo(20, 12);
    expect(psnr({ ...pair, dataRange: 2 })).toBeCloseTo(20 + 10 * Math.log10(4), 12);
  });

  it('is infinite for identical images', () => {
    expect(psnr({ reference: grey(1, 2), image: grey(1, 2), dataRange: 1 })).toBe(Infinity);
  });

  it('takes 255 as the range of 8-bit images', () => {
    const bytes = (...samples: number[]) => ({
      ...grey(...samples),
      data: Uint8Array.from(samples),
    });
    const pair = { reference: bytes(0, 255), image: bytes(255, 255) };
    expect(psnr(pair)).toBe(psnr({ ...pair, dataRange: 255 }));
  });
});

describe('meanPsnr', () => {
  it('averages decibels and leaves identical pairs out, counted', () => {
    const result = meanPsnr({
      references: [grey(0, 0), grey(0, 0), grey(0, 0)],
      images: [grey(0.1, 0.1), grey(0, 0), grey(0.01, 0.01)],
      dataRange: 1,
    });
    expect(result.meanDb).toBeCloseTo(30, 12);
    expect(result.valuesDb.map((db) => Math.round(db * 1e9) / 1e9)).toEqual([20, Infinity, 40]);
    expect(result.identical).toBe(1);
  });

  it('is infinite if every pair is identical', () => {
    const sets = { references: [grey(1)], images: [grey(1)], dataRange: 1 };
    expect(meanPsnr(sets)).toEqual({ meanDb: Infinity, valuesDb: [Infinity], identical: 1 });
  });
});

describe('what cannot be compared', () => {
  const reference = grey(0, 0);
  const codeOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (HarmonicaError.isInstance(error)) return error.code;
    }
    return 'no typed error';
  };

  it.each([
    [
      'empty sets',
      'invalid-argument',
      () => meanPsnr({ references: [], images: [], dataRange: 1 }),
    ],
    [
      'sets of different lengths',
      'invalid-argument',
      () => meanPsnr({ references: [reference], images: [reference, reference], dataRange: 1 }),
    ],
    ['another size', 'shape', () => psnr({ reference, image: grey(0, 0, 0), dataRange: 1 })],
    [
      'the same number of samples in another shape',
      'shape',
      () => psnr({ reference, image: { ...reference, width: 1, height: 2 }, dataRange: 1 }),
    ],
    [
      'data that does not fill the image',
      'shape',
      () => psnr({ reference, image: { ...reference, data: new Float64Array(3) }, dataRange: 1 }),
    ],
    ['an empty image', 'shape', () => psnr({ reference: grey(), image: grey(), dataRange: 1 })],
    ['NaN', 'non-finite', () => psnr({ reference, image: grey(0, Number.NaN), dataRange: 1 })],
    ['infinity', 'non-finite', () => psnr({ reference, image: grey(0, Infinity), dataRange: 1 })],
    ['floats without a range', 'invalid-argument', () => psnr({ reference, image: reference })],
    ['a range of 0', 'invalid-argument', () => psnr({ reference, image: reference, dataRange: 0 })],
  ])('refuses %s', (_name, code, run) => {
    expect(codeOf(run)).toBe(code);
  });
});

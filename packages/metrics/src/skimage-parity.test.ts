import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ImagePair } from './image.js';
import { psnr } from './psnr.js';
import { ssim } from './ssim.js';

interface StoredCase {
  readonly name: string;
  readonly dtype: 'uint8' | 'float64';
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly dataRange: number;
  readonly reference: readonly number[];
  readonly image: readonly number[];
  readonly psnr: number;
  readonly ssim: number;
}

const stored = JSON.parse(
  readFileSync(new URL('./__fixtures__/skimage.json', import.meta.url), 'utf8'),
) as { readonly cases: readonly StoredCase[] };

/** Made by scripts/make-ssim-fixture.py. */
const cases = stored.cases.map((entry) => {
  const toImage = (samples: readonly number[]) => ({
    data: entry.dtype === 'uint8' ? Uint8Array.from(samples) : Float64Array.from(samples),
    width: entry.width,
    height: entry.height,
    channels: entry.channels,
  });
  const pair: ImagePair = {
    reference: toImage(entry.reference),
    image: toImage(entry.image),
    dataRange: entry.dataRange,
  };
  return { name: entry.name, pair, expected: { psnr: entry.psnr, ssim: entry.ssim } };
});

describe.each(cases)('$name', ({ pair, expected }) => {
  it('has the PSNR of scikit-image to 1e-9 dB', () => {
    expect(Math.abs(psnr(pair) - expected.psnr)).toBeLessThan(1e-9);
  });

  it('has the SSIM of scikit-image to 1e-10', () => {
    expect(Math.abs(ssim(pair) - expected.ssim)).toBeLessThan(1e-10);
  });

  it('does not depend on which image is the reference', () => {
    const swapped = { ...pair, reference: pair.image, image: pair.reference };
    expect(psnr(swapped)).toBe(psnr(pair));
    expect(ssim(swapped)).toBeCloseTo(ssim(pair), 12);
  });
});

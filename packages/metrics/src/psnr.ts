import { checkPair, type ImagePair, type ImageSets, pairsOf } from './image.js';

/**
 * Peak signal-to-noise ratio of one pair of images: `10 log10(dataRange^2 / MSE)`, the mean squared error (MSE) taken
 * over all pixels and channels in float64.
 *
 * @returns decibels (dB), higher is closer; `Infinity` for identical images.
 * @throws {@link ShapeError} if the sizes differ or do not fit the data.
 * @throws {@link InvalidArgumentError} if floating-point images come without a data range.
 * @throws {@link NonFiniteError} if a sample is NaN or infinite.
 * @example
 * ```ts
 * const reference = { data: new Float32Array([0, 0.5]), width: 2, height: 1, channels: 1 };
 * const image = { data: new Float32Array([0.1, 0.5]), width: 2, height: 1, channels: 1 };
 * psnr({ reference, image, dataRange: 1 }); // 23.01 dB
 * ```
 */
export function psnr(pair: ImagePair): number {
  const { reference, image, dataRange } = checkPair(pair);
  const x = reference.data;
  const y = image.data;
  let squares = 0;
  for (let i = 0; i < x.length; i++) {
    const difference = (x[i] as number) - (y[i] as number);
    squares += difference * difference;
  }
  return 10 * Math.log10((dataRange * dataRange * x.length) / squares);
}

/** Result of {@link meanPsnr}. */
export interface MeanPsnrResult {
  /** Mean over the pairs that differ, in dB; `Infinity` if no pair differs. */
  readonly meanDb: number;
  /** One value per pair, in dB; `Infinity` where the images are identical. */
  readonly valuesDb: readonly number[];
  /** How many pairs are identical and therefore left out of the mean. */
  readonly identical: number;
}

/**
 * Mean of the PSNR of each pair of images, in dB (not the PSNR of the mean error).
 *
 * An identical pair has an infinite PSNR, which no mean can hold. It is left out of the mean and counted in
 * `identical` instead, so the mean never depends on an arbitrary cap; report both.
 *
 * @throws {@link InvalidArgumentError} if the sets are empty or of different lengths; otherwise as {@link psnr}.
 */
export function meanPsnr(sets: ImageSets): MeanPsnrResult {
  const valuesDb = pairsOf(sets).map(psnr);
  const finite = valuesDb.filter(Number.isFinite);
  const sum = finite.reduce((total, value) => total + value, 0);
  return {
    meanDb: finite.length === 0 ? Infinity : sum / finite.length,
    valuesDb,
    identical: valuesDb.length - finite.length,
  };
}

import { type PixelImage, ShapeError } from '@harmonica/core';
import { type CheckedPair, checkPair, type ImagePair, type ImageSets, pairsOf } from './image.js';

const WINDOW = 11;
const SIGMA = 1.5;
const K1 = 0.01;
const K2 = 0.03;

/**
 * Structural similarity of one pair of images: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from
 * error visibility to structural similarity" (2004), Eq. 13, with the paper's 11 x 11 Gaussian window (sigma 1.5
 * pixels), K1 = 0.01 and K2 = 0.03. The mean over every position where the whole window lies inside the image, then
 * over channels.
 *
 * Same numbers as scikit-image's `structural_similarity` with `gaussian_weights=True`,
 * `use_sample_covariance=False` and the data range given.
 *
 * @returns in [-1, 1], higher is closer; 1 only for identical images.
 * @throws {@link ShapeError} if the sizes differ, do not fit the data, or are smaller than the window.
 * @throws {@link InvalidArgumentError} if floating-point images come without a data range.
 * @throws {@link NonFiniteError} if a sample is NaN or infinite.
 */
export function ssim(pair: ImagePair): number {
  const checked = checkPair(pair);
  const { width, height, channels } = checked.reference;
  if (width < WINDOW || height < WINDOW) {
    throw new ShapeError({
      tensor: 'image',
      actual: [height, width, channels],
      expected: [null, null, null],
      fix: `SSIM needs at least ${WINDOW} x ${WINDOW} pixels, the size of its window.`,
    });
  }
  let sum = 0;
  for (let channel = 0; channel < channels; channel++) sum += channelSsim(checked, channel);
  return sum / channels;
}

/** Result of {@link meanSsim}. */
export interface MeanSsimResult {
  /** Mean over the pairs. */
  readonly mean: number;
  /** One value per pair. */
  readonly values: readonly number[];
}

/**
 * Mean of the SSIM of each pair of images.
 *
 * @throws {@link InvalidArgumentError} if the sets are empty or of different lengths; otherwise as {@link ssim}.
 */
export function meanSsim(sets: ImageSets): MeanSsimResult {
  const values = pairsOf(sets).map(ssim);
  return { mean: values.reduce((total, value) => total + value, 0) / values.length, values };
}

/** Mean SSIM of one channel over the valid window positions. */
function channelSsim({ reference, image, dataRange }: CheckedPair, channel: number): number {
  const { width, height } = reference;
  const x = plane(reference, channel);
  const y = plane(image, channel);
  const blur = (values: Float64Array) => gaussianFilter({ values, width, height });
  const meanX = blur(x);
  const meanY = blur(y);
  const meanXX = blur(product(x, x));
  const meanYY = blur(product(y, y));
  const meanXY = blur(product(x, y));
  const c1 = (K1 * dataRange) ** 2;
  const c2 = (K2 * dataRange) ** 2;
  let sum = 0;
  for (let i = 0; i < meanX.length; i++) {
    const mx = meanX[i] as number;
    const my = meanY[i] as number;
    const varianceX = (meanXX[i] as number) - mx * mx;
    const varianceY = (meanYY[i] as number) - my * my;
    const covariance = (meanXY[i] as number) - mx * my;
    const luminance = (2 * mx * my + c1) / (mx * mx + my * my + c1);
    sum += luminance * ((2 * covariance + c2) / (varianceX + varianceY + c2));
  }
  return sum / meanX.length;
}

/** One channel as `[height, width]` in float64. */
function plane({ data, channels }: PixelImage, channel: number): Float64Array {
  const values = new Float64Array(data.length / channels);
  for (let i = 0; i < values.length; i++) values[i] = data[i * channels + channel] as number;
  return values;
}

function product(x: Float64Array, y: Float64Array): Float64Array {
  return x.map((value, i) => value * (y[i] as number));
}

/** Separable Gaussian filter without padding: `[height, width]` to `[height - 10, width - 10]`. */
function gaussianFilter(options: {
  values: Float64Array;
  width: number;
  height: number;
}): Float64Array {
  const { values, width, height } = options;
  const validWidth = width - WINDOW + 1;
  const validHeight = height - WINDOW + 1;
  const rows = new Float64Array(height * validWidth);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < validWidth; column++) {
      rows[row * validWidth + column] = weightedSum(values, row * width + column, 1);
    }
  }
  const result = new Float64Array(validHeight * validWidth);
  for (let i = 0; i < result.length; i++) result[i] = weightedSum(rows, i, validWidth);
  return result;
}

/** Weights of the window from its edge to its centre; the other half is its mirror image. */
const [W0, W1, W2, W3, W4, W5] = [...gaussianWeights()] as [
  number,
  number,
  number,
  number,
  number,
  number,
];

/** Eleven values under the window, `stride` apart; written out, because it is called 26 times for every pixel. */
function weightedSum(values: Float64Array, at: number, stride: number): number {
  const end = at + (WINDOW - 1) * stride;
  return (
    W0 * ((values[at] as number) + (values[end] as number)) +
    W1 * ((values[at + stride] as number) + (values[end - stride] as number)) +
    W2 * ((values[at + 2 * stride] as number) + (values[end - 2 * stride] as number)) +
    W3 * ((values[at + 3 * stride] as number) + (values[end - 3 * stride] as number)) +
    W4 * ((values[at + 4 * stride] as number) + (values[end - 4 * stride] as number)) +
    W5 * (values[at + 5 * stride] as number)
  );
}

function gaussianWeights(): Float64Array {
  const center = (WINDOW - 1) / 2;
  const weights = Float64Array.from({ length: WINDOW }, (_, i) =>
    Math.exp(-((i - center) ** 2) / (2 * SIGMA ** 2)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

import { InvalidArgumentError, NonFiniteError } from '@harmonica/core';

/** What a set of samples looks like, in the unit of the samples. */
export interface SampleSummary {
  /** How many samples there are. */
  readonly count: number;
  readonly median: number;
  readonly mean: number;
  /** 90th percentile. */
  readonly p90: number;
  readonly min: number;
  readonly max: number;
  /** Interquartile range over the median; dimensionless. Above some 0.1 the machine was not quiet. */
  readonly spread: number;
}

/**
 * Median, mean, 90th percentile, extremes and spread of positive samples, such as run times or ratios of run times.
 *
 * Quantiles interpolate linearly between order statistics (Hyndman and Fan 1996, type 7, NumPy's default).
 *
 * @param samples at least one, all positive; times in milliseconds, or ratios.
 * @throws {@link InvalidArgumentError} if there is no sample, or one is not above 0.
 * @throws {@link NonFiniteError} if a sample is NaN or infinite.
 */
export function summarize(samples: readonly number[]): SampleSummary {
  checkSamples(samples);
  const sorted = [...samples].sort((a, b) => a - b);
  const median = quantile(sorted, 0.5);
  return {
    count: sorted.length,
    median,
    mean: sorted.reduce((total, value) => total + value, 0) / sorted.length,
    p90: quantile(sorted, 0.9),
    min: quantile(sorted, 0),
    max: quantile(sorted, 1),
    spread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / median,
  };
}

function checkSamples(samples: readonly number[]): void {
  if (samples.length === 0) {
    throw new InvalidArgumentError({
      argument: 'samples',
      value: samples,
      expected: 'at least one sample',
    });
  }
  if (!samples.every(Number.isFinite)) throw new NonFiniteError({ site: 'samples' });
  const lowest = Math.min(...samples);
  if (lowest <= 0) {
    throw new InvalidArgumentError({
      argument: 'samples',
      value: lowest,
      expected: 'samples above 0',
      fix: 'Measure a longer run, so that the clock resolves it.',
    });
  }
}

function quantile(sorted: readonly number[], fraction: number): number {
  const position = fraction * (sorted.length - 1);
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (above - below) * (position - Math.floor(position));
}

import { assertCount, InvalidArgumentError, NonFiniteError, ShapeError } from '@harmonica/core';
import { checkComparable } from './feature-set.js';
import type { FeatureStatistics } from './feature-statistics.js';
import { addRowProducts } from './row-products.js';
import { type SemidefiniteFactor, semidefiniteFactor } from './semidefinite-factor.js';
import { singularValues } from './singular-values.js';

/** Statistics to compare. The order does not matter. */
export interface FrechetDistanceOptions {
  readonly references: FeatureStatistics;
  readonly features: FeatureStatistics;
}

/** A Fréchet distance and what it is made of. */
export interface FrechetDistanceResult {
  /** `meanTerm + covarianceTerm`. 0 for equal statistics, up to rounding; lower is closer. */
  readonly distance: number;
  /** `|m1 - m2|^2`. */
  readonly meanTerm: number;
  /** `tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)`. */
  readonly covarianceTerm: number;
}

/**
 * Fréchet distance of two Gaussians, `|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))` (Dowson and Landau, 1982). Of pooled
 * Inception features it is the FID (Heusel et al., 2017), of spatial ones the sFID (Nash et al., 2021).
 *
 * With `S1 = R1^T R1` and `S2 = R2^T R2` the trace of the root is the sum of the singular values of `R1 R2^T`
 * ({@link traceOfRoot}); no matrix root is formed, and singular covariances need no offset. 1024 features take
 * 5 s of one core, and the time grows with the cube of their number.
 *
 * @throws {@link IncompatibleError} if dimensions or extractors differ.
 * @throws {@link InvalidArgumentError} if a set has fewer images than features, or a covariance is none.
 * @throws {@link ShapeError} {@link NonFiniteError} if statistics are damaged.
 */
export function frechetDistance(options: FrechetDistanceOptions): FrechetDistanceResult {
  const { references, features } = options;
  checkComparable(references, features);
  assertStatistics('references', references);
  assertStatistics('features', features);
  const { dimension } = references;
  const meanTerm = references.mean.reduce(
    (sum, value, k) => sum + (value - (features.mean[k] as number)) ** 2,
    0,
  );
  const [s1, s2] = [references.covariance, features.covariance];
  const precisions = [references.precision, features.precision] as const;
  const covarianceTerm =
    trace(s1, dimension) +
    trace(s2, dimension) -
    2 * traceOfRoot({ s1, s2, dimension, precisions });
  return { distance: meanTerm + covarianceTerm, meanTerm, covarianceTerm };
}

/** Two covariances. */
export interface TraceOfRootOptions {
  /** Row-major `[D, D]`, symmetric positive semidefinite. */
  readonly s1: Float64Array;
  /** As `s1`. */
  readonly s2: Float64Array;
  /** D. */
  readonly dimension: number;
  /** What each is rounded to. Default: float64. */
  readonly precisions?: readonly [FeatureStatistics['precision'], FeatureStatistics['precision']];
}

/**
 * Trace of the principal square root of `S1 S2`, `tr (S1^(1/2) S2 S1^(1/2))^(1/2)`.
 *
 * The error is that of changing each covariance by `D 2^-52` times its largest variance: for condition numbers up to
 * 1e6 less than 1e-9 of the result, whatever the rank (both tested).
 *
 * @throws {@link InvalidArgumentError} if a matrix has a negative eigenvalue beyond rounding.
 */
export function traceOfRoot(options: TraceOfRootOptions): number {
  const { s1, s2, dimension: size, precisions = [] } = options;
  const [first, second] = [s1, s2].map((matrix, i) =>
    semidefiniteFactor({ name: `s${i + 1}`, matrix, size, precision: precisions[i] }),
  ) as [SemidefiniteFactor, SemidefiniteFactor];
  if (first.rank === 0 || second.rank === 0) return 0;
  const data = addRowProducts({
    x: first.rows,
    y: second.rows,
    length: size,
    out: new Float64Array(first.rank * second.rank),
  });
  const values = singularValues({ data, rows: first.rank, columns: second.rank });
  return values.reduceRight((sum, value) => sum + value, 0);
}

/** What can be known of a set before its features are extracted. */
interface EnoughImagesOptions {
  readonly name: string;
  /** Images. */
  readonly count: number;
  /** Features of an image. */
  readonly dimension: number;
}

/**
 * Throws {@link InvalidArgumentError} if a set has fewer images than features: its covariance would be singular, and
 * the distance would depend on the number of images more than on what they show.
 *
 * @internal
 */
function assertEnoughImages({ name, count, dimension }: EnoughImagesOptions): void {
  if (count >= dimension) return;
  throw new InvalidArgumentError({
    argument: `${name}.count`,
    value: count,
    expected: `as many images as there are features, ${dimension}, or more`,
    fix: 'Take more images, or use the kernel distance, which has no bias in small sets.',
  });
}

/**
 * Throws unless statistics are such that {@link frechetDistance} takes them, so that a file is known to be sound before
 * features are made to compare with it. That a covariance has no negative eigenvalue, but for variances, is left to the
 * distance.
 *
 * @param name of the statistics, for messages
 * @throws {@link InvalidArgumentError} if there are fewer images than features, or the covariance is not symmetric or
 * has a negative variance
 * @throws {@link ShapeError} {@link NonFiniteError} if statistics are damaged
 */
export function assertStatistics(name: string, statistics: FeatureStatistics): void {
  const { dimension, mean, covariance, count } = statistics;
  assertCount({ argument: `${name}.dimension`, value: dimension });
  if (count !== undefined) assertEnoughImages({ name, count, dimension });
  for (const [field, values, expected] of [
    ['mean', mean, dimension],
    ['covariance', covariance, dimension * dimension],
  ] as const) {
    if (values.length !== expected) {
      throw new ShapeError({
        tensor: `${name}.${field}`,
        actual: [values.length],
        expected: [expected],
      });
    }
    if (!values.every(Number.isFinite)) throw new NonFiniteError({ site: `${name}.${field}` });
  }
  assertCovariance(`${name}.covariance`, statistics);
}

function assertCovariance(argument: string, statistics: FeatureStatistics): void {
  const { dimension: size, covariance: matrix, precision } = statistics;
  const largest = matrix.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const tolerance = (precision === 'float32' ? 1e-4 : 1e-6) * largest;
  for (let i = 0; i < size; i++) {
    const variance = matrix[i * (size + 1)] as number;
    if (variance < 0) {
      const fix = 'The statistics are damaged; compute them again.';
      const expected = 'variances of at least 0';
      throw new InvalidArgumentError({ argument, value: variance, expected, fix });
    }
    for (let j = 0; j < i; j++) {
      const difference = (matrix[i * size + j] as number) - (matrix[j * size + i] as number);
      if (Math.abs(difference) <= tolerance) continue;
      throw new InvalidArgumentError({ argument, value: difference, expected: 'symmetric' });
    }
  }
}

function trace(matrix: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += matrix[i * (size + 1)] as number;
  return sum;
}

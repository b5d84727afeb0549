import { FileError, IncompatibleError, ShapeError } from '@harmonica/core';
import { unzipSync, zipSync } from 'fflate';
import { checkComparable, type ExtractorIdentity } from './feature-set.js';
import type { FeatureStatistics } from './feature-statistics.js';
import { decodeNpy, encodeNpy, type NpyArray } from './npy.js';

/** What {@link decodeStatistics} reads. */
export interface DecodeStatisticsOptions {
  /** The `.npz` file. */
  readonly bytes: Uint8Array;
  /** For error messages. */
  readonly path: string;
  /** Which statistics, where a file holds several. `spatial` reads `mu_s` and `sigma_s`. Default `pooled`. */
  readonly output?: 'pooled' | 'spatial';
  /**
   * The extractor that the file must be of. Files of other programs do not say theirs; what is given here is then taken
   * to be it, and stands in the result.
   */
  readonly extractor?: ExtractorIdentity;
}

const NAMES = {
  pooled: { mean: 'mu', covariance: 'sigma' },
  spatial: { mean: 'mu_s', covariance: 'sigma_s' },
} as const;

/**
 * Reads statistics in the common `.npz` form: arrays `mu` `[D]` and `sigma` `[D, D]`, as pytorch-fid, clean-fid and
 * ADM's reference batches have them, and what {@link encodeStatistics} adds.
 *
 * @throws {@link FileError} if the file is damaged or has no such arrays.
 * @throws {@link ShapeError} {@link DTypeError} if the arrays are no statistics.
 * @throws {@link IncompatibleError} if they are of another extractor.
 */
export function decodeStatistics(options: DecodeStatisticsOptions): FeatureStatistics {
  const { bytes, path, output = 'pooled', extractor } = options;
  const names = NAMES[output];
  const entries = unzip(bytes, path, [...Object.values(names), 'count', ...IDENTITY]);
  const find = (name: string): NpyArray | undefined =>
    entries[name] && decodeNpy({ bytes: entries[name], path: `${path} (${name})` });
  const need = (name: string): NpyArray & { values: Float64Array } => {
    const array = find(name);
    if (array !== undefined && typeof array.values !== 'string')
      return { ...array, values: array.values };
    throw new FileError({
      path,
      problem: `has no array ${name}`,
      fix: 'Give a file of FID statistics that holds it.',
    });
  };
  const mean = need(names.mean);
  const covariance = need(names.covariance);
  const dimension = mean.values.length;
  assertShape(`${path} (${names.mean})`, mean.shape, [dimension]);
  assertShape(`${path} (${names.covariance})`, covariance.shape, [dimension, dimension]);
  const [name, hash] = IDENTITY.map((key) => find(key)?.values);
  const own = typeof name === 'string' && typeof hash === 'string' ? { name, hash } : undefined;
  checkComparable(
    { dimension, ...(extractor && { extractor }) },
    { dimension, ...(own && { extractor: own }) },
  );
  const known = own ?? extractor;
  const count = Number(find('count')?.values[0] ?? 0);
  return {
    dimension,
    mean: mean.values,
    covariance: covariance.values,
    ...(count > 0 && { count }),
    ...(known && { extractor: known }),
  };
}

const IDENTITY = ['extractor_name', 'extractor_hash'] as const;

/**
 * Writes statistics in the common `.npz` form, float64: `mu` and `sigma`, and `mu_s` and `sigma_s` of spatial features as
 * ADM's reference batches have them. Beside them stand `count`, `extractor_name` and `extractor_hash` where they are
 * known; other programs ignore them. Equal statistics give equal bytes.
 *
 * @param spatial of the same images by the same extractor. Default: the file has none.
 * @throws {@link IncompatibleError} if they are of other images or another extractor.
 */
export function encodeStatistics(
  statistics: FeatureStatistics,
  spatial?: FeatureStatistics,
): Uint8Array {
  const { count, extractor } = statistics;
  if (spatial) assertSameImages(statistics, spatial);
  const arrays: Record<string, NpyArray> = {
    ...momentArrays(NAMES.pooled, statistics),
    ...(spatial && momentArrays(NAMES.spatial, spatial)),
    ...(count !== undefined && { count: { shape: [], values: Float64Array.of(count) } }),
    ...(extractor && {
      extractor_name: { shape: [], values: extractor.name },
      extractor_hash: { shape: [], values: extractor.hash },
    }),
  };
  const files = Object.entries(arrays).map(([name, array]) => [`${name}.npy`, encodeNpy(array)]);
  // Noise does not shrink, so it is stored as it is; the earliest date of the format keeps the bytes the same.
  return zipSync(Object.fromEntries(files), { level: 0, mtime: new Date(1980, 0, 1) });
}

function momentArrays(
  names: (typeof NAMES)[keyof typeof NAMES],
  { dimension, mean, covariance }: FeatureStatistics,
): Record<string, NpyArray> {
  return {
    [names.mean]: { shape: [dimension], values: mean },
    [names.covariance]: { shape: [dimension, dimension], values: covariance },
  };
}

function assertSameImages(pooled: FeatureStatistics, spatial: FeatureStatistics): void {
  checkComparable(pooled, { ...spatial, dimension: pooled.dimension });
  if (pooled.count === spatial.count) return;
  throw new IncompatibleError({
    what: 'The number of images of spatial features',
    actual: spatial.count,
    expected: pooled.count,
    fix: 'Extract both outputs of the same images.',
  });
}

function unzip(
  bytes: Uint8Array,
  path: string,
  wanted: readonly string[],
): Readonly<Record<string, Uint8Array>> {
  try {
    const files = unzipSync(bytes, { filter: ({ name }) => wanted.includes(stem(name)) });
    return Object.fromEntries(Object.entries(files).map(([name, file]) => [stem(name), file]));
  } catch (cause) {
    throw new FileError({ path, problem: 'is no .npz file', fix: 'Get the file again.', cause });
  }
}

function stem(name: string): string {
  return name.replace(/\.npy$/, '');
}

function assertShape(tensor: string, actual: readonly number[], expected: readonly number[]): void {
  if (actual.length === expected.length && actual.every((size, i) => size === expected[i])) return;
  throw new ShapeError({ tensor, actual, expected, fix: 'Give a file of FID statistics.' });
}

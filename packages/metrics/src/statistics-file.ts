import { FileError, IncompatibleError, ShapeError } from '@harmonica/core';
import {
  type FileEntry,
  Reader,
  Uint8ArrayReader,
  Uint8ArrayWriter,
  ZipReader,
} from '@zip.js/zip.js/lib/zip-core.js';
import { zipSync } from 'fflate';
import { checkComparable, type ExtractorIdentity } from './feature-set.js';
import type { FeatureStatistics } from './feature-statistics.js';
import { decodeNpy, encodeNpy, MAX_NPY_HEADER_BYTES, type NpyArray } from './npy.js';

/** Something that bytes are read from by range, such as an open file. */
export interface ByteRanges {
  readonly sizeBytes: number;
  /** Bytes `begin` up to, not including, `end`. */
  read(range: { readonly begin: number; readonly end: number }): Promise<Uint8Array>;
}

/** What {@link decodeStatistics} reads. */
export interface DecodeStatisticsOptions {
  /** The `.npz` file. Of a file that is read by range only the arrays that are needed are read. */
  readonly bytes: Uint8Array | ByteRanges;
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
 * ADM's reference batches have them, and what {@link encodeStatistics} adds. Checksums are checked.
 *
 * @throws {@link FileError} if the file is damaged or has no such arrays.
 * @throws {@link ShapeError} {@link DTypeError} if the arrays are no statistics.
 * @throws {@link IncompatibleError} if they are of another extractor.
 */
export async function decodeStatistics(
  options: DecodeStatisticsOptions,
): Promise<FeatureStatistics> {
  const { bytes, path, output = 'pooled', extractor } = options;
  const names = NAMES[output];
  const entries = await readDirectory(bytes, path);
  const find = async (name: string, most: number): Promise<NpyArray | undefined> => {
    const entry = entries.get(name);
    return entry && decodeNpy({ ...(await readEntry(entry, { path, name, most })) });
  };
  const need = async (name: string, most: number) => {
    const array = await find(name, most);
    if (array !== undefined && typeof array.values !== 'string')
      return { ...array, values: array.values };
    throw new FileError({
      path,
      problem: `has no array ${name}`,
      fix: 'Give a file of FID statistics that holds it.',
    });
  };
  const mean = await need(names.mean, arrayBytes(MAX_DIMENSION));
  const dimension = mean.values.length;
  assertShape(`${path} (${names.mean})`, mean.shape, [dimension]);
  const covariance = await need(names.covariance, arrayBytes(dimension ** 2));
  assertShape(`${path} (${names.covariance})`, covariance.shape, [dimension, dimension]);
  const [name, hash, count] = await Promise.all(
    [...IDENTITY, 'count'].map(async (key) => (await find(key, MAX_TEXT_BYTES))?.values),
  );
  const own = typeof name === 'string' && typeof hash === 'string' ? { name, hash } : undefined;
  checkComparable(
    { dimension, ...(extractor && { extractor }) },
    { dimension, ...(own && { extractor: own }) },
  );
  const known = own ?? extractor;
  const images = Number(count?.[0] ?? 0);
  return {
    dimension,
    mean: mean.values,
    covariance: covariance.values,
    // Files that name their extractor are those of `encodeStatistics`, which are made in float64.
    ...(!own && isSingle(covariance) && { precision: 'float32' as const }),
    ...(images > 0 && { count: images }),
    ...(known && { extractor: known }),
  };
}

/** Statistics that were computed in float32 are often stored as float64. */
function isSingle({ isSingle, values }: { isSingle?: boolean; values: Float64Array }): boolean {
  return isSingle === true || values.every((value) => Math.fround(value) === value);
}

/** Names, hashes and counts have some hundred characters, of 4 bytes each. */
const MAX_TEXT_BYTES = MAX_NPY_HEADER_BYTES + 4000;

/** The features of an Inception are 2048. */
const MAX_DIMENSION = 2 ** 16;

/** Bytes of an array of float64 at most. */
function arrayBytes(elements: number): number {
  return 8 * elements + MAX_NPY_HEADER_BYTES;
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

/** Hands a source of ranges to the library. */
class RangesReader extends Reader<ByteRanges> {
  readonly #source: ByteRanges;

  constructor(source: ByteRanges) {
    super(source);
    this.#source = source;
    this.size = source.sizeBytes;
  }

  override readUint8Array(index: number, length: number): Promise<Uint8Array> {
    return this.#source.read({ begin: index, end: Math.min(index + length, this.size) });
  }
}

/** Arrays of a file by their names. */
async function readDirectory(
  bytes: Uint8Array | ByteRanges,
  path: string,
): Promise<ReadonlyMap<string, FileEntry>> {
  const reader =
    bytes instanceof Uint8Array ? new Uint8ArrayReader(bytes) : new RangesReader(bytes);
  const found = new Map<string, FileEntry>();
  try {
    for await (const entry of new ZipReader(reader).getEntriesGenerator()) {
      if (!entry.directory) found.set(entry.filename.replace(/\.npy$/, ''), entry);
    }
  } catch (cause) {
    throw unreadable(path, 'is no .npz file', cause);
  }
  return found;
}

/** Noise hardly shrinks: an array may have so many bytes, and so many times more than the file has of it. */
const MAX_INFLATED = { bytes: 2 ** 26, ratio: 16 };

async function readEntry(
  entry: FileEntry,
  { path, name, most }: { path: string; name: string; most: number },
): Promise<{ bytes: Uint8Array; path: string }> {
  const { uncompressedSize: size, compressedSize } = entry;
  const bound = Math.min(most, MAX_INFLATED.bytes + MAX_INFLATED.ratio * compressedSize);
  const place = `${path} (${name})`;
  if (size > bound) throw unreadable(place, `has ${size} bytes; expected at most ${bound}`);
  try {
    const options = { checkSignature: true, useWebWorkers: false };
    const bytes = await entry.getData(new Uint8ArrayWriter(), options);
    return { bytes, path: place };
  } catch (cause) {
    throw unreadable(place, 'cannot be decompressed, or has another checksum', cause);
  }
}

function unreadable(path: string, problem: string, cause?: unknown): FileError {
  return new FileError({ path, problem, fix: 'Get the file again.', cause });
}

function assertShape(tensor: string, actual: readonly number[], expected: readonly number[]): void {
  if (actual.length === expected.length && actual.every((size, i) => size === expected[i])) return;
  throw new ShapeError({ tensor, actual, expected, fix: 'Give a file of FID statistics.' });
}

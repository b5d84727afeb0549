import { readFileSync } from 'node:fs';
import { unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import type { FeatureStatistics } from './feature-statistics.js';
import { encodeNpy } from './npy.js';
import { type ByteRanges, decodeStatistics, encodeStatistics } from './statistics-file.js';

/** Made by scripts/make-statistics-fixture.py. */
const read = (name: string) => ({
  bytes: new Uint8Array(readFileSync(new URL(`./__fixtures__/${name}`, import.meta.url))),
  path: name,
});
const mean = Float64Array.of(0, 0.125, 0.25);
const covariance = Float64Array.of(4, 1, 0.5, 1, 3, 0.25, 0.5, 0.25, 2);
const extractor = { name: 'Inception é 𝛼', hash: 'abc' };
const whole = {
  dimension: 3,
  mean,
  covariance: covariance.map((value) => value / 3),
  count: 50_000,
  extractor,
};

describe('decodeStatistics', () => {
  it('reads what NumPy writes, compressed or not, of either precision and order', async () => {
    const precision = 'float32'; // all of these numbers are
    const one = await decodeStatistics(read('statistics.npz'));
    expect(one).toEqual({ dimension: 3, mean, covariance, precision });
    const two = read('statistics-two.npz');
    const pooled = { dimension: 3, mean, covariance, precision, count: 50_000 };
    expect(await decodeStatistics(two)).toEqual(pooled);
    const spatial = await decodeStatistics({ ...two, output: 'spatial' });
    expect(spatial.mean).toEqual(mean.map((x) => x + 1));
  });

  it('reads only the arrays that are needed of a file by range', async () => {
    const entries = { 'arr_0.npy': new Uint8Array(100_000), ...unzipSync(encodeStatistics(whole)) };
    const bytes = zipSync(entries, { level: 0 });
    let taken = 0;
    const ranges: ByteRanges = {
      sizeBytes: bytes.length,
      read: async ({ begin, end }) => {
        taken += end - begin;
        return bytes.slice(begin, end);
      },
    };
    expect(await decodeStatistics({ bytes: ranges, path: 'a.npz' })).toEqual(whole);
    expect(taken).toBeLessThan(70_000); // of which the end of the file is most
  });

  it('takes over the extractor for a file that does not say', async () => {
    const statistics = await decodeStatistics({ ...read('statistics.npz'), extractor });
    expect(statistics.extractor).toBe(extractor);
  });

  it('tells numbers that were computed in float32', async () => {
    const single = covariance.map((value) => Math.fround(value / 3));
    const read = (statistics: FeatureStatistics) =>
      decodeStatistics({ bytes: encodeStatistics(statistics), path: 'a.npz' });
    const unnamed = { dimension: 3, mean };
    expect((await read({ ...unnamed, covariance: single })).precision).toBe('float32');
    expect((await read({ ...unnamed, covariance: whole.covariance })).precision).toBeUndefined();
    expect((await read({ ...whole, covariance: single })).precision).toBeUndefined();
  });

  it('refuses statistics of another extractor, damaged files and missing arrays', async () => {
    const bytes = encodeStatistics(whole);
    const other = { name: 'other', hash: 'def' };
    await expect(decodeStatistics({ bytes, path: 'a.npz', extractor: other })).rejects.toThrow(
      'The extractor is "Inception é 𝛼, abc"; expected "other, def"',
    );
    await expect(decodeStatistics({ bytes: bytes.slice(0, -9), path: 'a.npz' })).rejects.toThrow(
      'a.npz: is no .npz file',
    );
    const spatial = decodeStatistics({ ...read('statistics.npz'), output: 'spatial' });
    await expect(spatial).rejects.toThrow('has no array mu_s');
    const flipped = bytes.with(300, (bytes[300] as number) ^ 1);
    await expect(decodeStatistics({ bytes: flipped, path: 'a.npz' })).rejects.toThrow(
      /a\.npz \(\w+\): cannot be decompressed, or has another checksum/,
    );
  });

  it('refuses arrays that do not belong together, and arrays that end too early', async () => {
    const file = (entries: Record<string, Uint8Array>) =>
      expect(decodeStatistics({ bytes: zipSync(entries), path: 'a.npz' })).rejects;
    const mu = encodeNpy({ shape: [2], values: mean.slice(0, 2) });
    const sigma = encodeNpy({ shape: [3, 3], values: covariance });
    await file({ 'mu.npy': mu, 'sigma.npy': sigma }).toThrow(
      'a.npz (sigma) has shape [3, 3]; expected [2, 2]',
    );
    await file({ 'mu.npy': mu.slice(0, -8), 'sigma.npy': sigma }).toThrow(
      'a.npz (mu): has 8 bytes of data instead of 16',
    );
    await file({ 'mu.npy': mu.slice(1), 'sigma.npy': sigma }).toThrow('is no NumPy array');
  });

  it('refuses what is much larger than it can be, before it is decompressed', async () => {
    const file = (entries: Record<string, Uint8Array>) =>
      expect(decodeStatistics({ bytes: zipSync(entries), path: 'a.npz' })).rejects;
    const mu = encodeNpy({ shape: [2], values: mean.slice(0, 2) });
    const large = new Uint8Array(2 ** 20);
    await file({ 'mu.npy': large }).toThrow('a.npz (mu): has 1048576 bytes; expected at most');
    await file({ 'mu.npy': mu, 'sigma.npy': large }).toThrow('(sigma): has 1048576 bytes');
    const sigma = encodeNpy({ shape: [2, 2], values: covariance.slice(0, 4) });
    const named = { 'mu.npy': mu, 'sigma.npy': sigma, 'extractor_name.npy': large };
    await file(named).toThrow('(extractor_name): has 1048576 bytes');
    const text = encodeNpy({ shape: [], values: 'x'.repeat(10_000) });
    await file({ ...named, 'extractor_name.npy': text }).toThrow(/has \d+ bytes; expected at most/);
    const header = mu.slice();
    new DataView(header.buffer).setUint16(8, 10_001, true);
    await file({ 'mu.npy': header, 'sigma.npy': sigma }).toThrow('has a header of 10001 bytes');
  });
});

describe('encodeStatistics', () => {
  it('gives equal bytes for equal statistics, which read back the same', async () => {
    const bytes = encodeStatistics(whole);
    expect(encodeStatistics(whole)).toEqual(bytes);
    expect(await decodeStatistics({ bytes, path: 'a.npz', extractor })).toEqual(whole);
    const spatial = { bytes, path: 'a.npz', output: 'spatial' } as const;
    await expect(decodeStatistics(spatial)).rejects.toThrow('has no array mu_s');
  });

  it('writes spatial statistics beside the pooled ones', async () => {
    const spatial = {
      ...whole,
      dimension: 2,
      mean: Float64Array.of(7, 8),
      covariance: Float64Array.of(2, 0.1, 0.1, 3),
    };
    const bytes = encodeStatistics(whole, spatial);
    const read = { bytes, path: 'a.npz', extractor };
    expect(await decodeStatistics(read)).toEqual(whole);
    expect(await decodeStatistics({ ...read, output: 'spatial' })).toEqual(spatial);
    const names = ['mu', 'sigma', 'mu_s', 'sigma_s', 'count', 'extractor_name', 'extractor_hash'];
    expect(Object.keys(unzipSync(bytes))).toEqual(names.map((name) => `${name}.npy`));
    expect(() => encodeStatistics(whole, { ...spatial, count: 9 })).toThrow(/images.* is 9/);
    const other = { name: 'other', hash: 'def' };
    expect(() => encodeStatistics(whole, { ...spatial, extractor: other })).toThrow(/extractor/);
  });
});

it('pads the header of an array to a multiple of 64 bytes', () => {
  for (const size of [1, 10, 100, 1000]) {
    const bytes = encodeNpy({ shape: [size], values: new Float64Array(size) });
    expect((bytes.length - 8 * size) % 64).toBe(0);
  }
});

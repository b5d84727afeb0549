import { readFileSync } from 'node:fs';
import { unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { encodeNpy } from './npy.js';
import { decodeStatistics, encodeStatistics } from './statistics-file.js';

/** Made by scripts/make-statistics-fixture.py. */
const read = (name: string) => ({
  bytes: new Uint8Array(readFileSync(new URL(`./__fixtures__/${name}`, import.meta.url))),
  path: name,
});
const mean = Float64Array.of(0, 0.125, 0.25);
const covariance = Float64Array.of(4, 1, 0.5, 1, 3, 0.25, 0.5, 0.25, 2);
const extractor = { name: 'Inception é 𝛼', hash: 'abc' };
const whole = { dimension: 3, mean, covariance, count: 50_000, extractor };

describe('decodeStatistics', () => {
  it('reads what NumPy writes, compressed or not, of either precision and order', () => {
    expect(decodeStatistics(read('statistics.npz'))).toEqual({ dimension: 3, mean, covariance });
    const two = read('statistics-two.npz');
    expect(decodeStatistics(two)).toEqual({ dimension: 3, mean, covariance, count: 50_000 });
    expect(decodeStatistics({ ...two, output: 'spatial' }).mean).toEqual(mean.map((x) => x + 1));
  });

  it('takes over the extractor for a file that does not say', () => {
    expect(decodeStatistics({ ...read('statistics.npz'), extractor }).extractor).toBe(extractor);
  });

  it('refuses statistics of another extractor, damaged files and missing arrays', () => {
    const bytes = encodeStatistics(whole);
    const other = { name: 'other', hash: 'def' };
    expect(() => decodeStatistics({ bytes, path: 'a.npz', extractor: other })).toThrow(
      'The extractor is "Inception é 𝛼, abc"; expected "other, def"',
    );
    expect(() => decodeStatistics({ bytes: bytes.slice(0, -9), path: 'a.npz' })).toThrow(
      'a.npz: is no .npz file',
    );
    expect(() => decodeStatistics({ ...read('statistics.npz'), output: 'spatial' })).toThrow(
      'has no array mu_s',
    );
  });

  it('refuses arrays that do not belong together, and arrays that end too early', () => {
    const file = (entries: Record<string, Uint8Array>) => () =>
      decodeStatistics({ bytes: zipSync(entries), path: 'a.npz' });
    const mu = encodeNpy({ shape: [2], values: mean.slice(0, 2) });
    const sigma = encodeNpy({ shape: [3, 3], values: covariance });
    expect(file({ 'mu.npy': mu, 'sigma.npy': sigma })).toThrow(
      'a.npz (sigma) has shape [3, 3]; expected [2, 2]',
    );
    expect(file({ 'mu.npy': mu.slice(0, -8), 'sigma.npy': sigma })).toThrow(
      'a.npz (mu): has 8 bytes of data instead of 16',
    );
    expect(file({ 'mu.npy': mu.slice(1), 'sigma.npy': sigma })).toThrow('is no NumPy array');
  });
});

describe('encodeStatistics', () => {
  it('gives equal bytes for equal statistics, which read back the same', () => {
    const bytes = encodeStatistics(whole);
    expect(encodeStatistics(whole)).toEqual(bytes);
    expect(decodeStatistics({ bytes, path: 'a.npz', extractor })).toEqual(whole);
    const spatial = { bytes, path: 'a.npz', output: 'spatial' } as const;
    expect(() => decodeStatistics(spatial)).toThrow('has no array mu_s');
  });

  it('writes spatial statistics beside the pooled ones', () => {
    const spatial = {
      ...whole,
      dimension: 2,
      mean: Float64Array.of(7, 8),
      covariance: Float64Array.of(2, 1, 1, 3),
    };
    const bytes = encodeStatistics(whole, spatial);
    const read = { bytes, path: 'a.npz', extractor };
    expect(decodeStatistics(read)).toEqual(whole);
    expect(decodeStatistics({ ...read, output: 'spatial' })).toEqual(spatial);
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

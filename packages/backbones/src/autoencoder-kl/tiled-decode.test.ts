import '@tensorflow/tfjs-backend-cpu';
import { AbortedError, InvalidArgumentError } from '@harmonica/core';
import { fill, memory, slice, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { randomTensor } from '../../test/derivative.js';
import { relativeError } from '../../test/fixture.js';
import { upsample } from './autoencoder-kl.js';
import { tiledDecode } from './tiled-decode.js';

const before = memory().numTensors;
afterEach(() => expect(memory().numTensors).toBe(before));

/** A decoder without context: every latent pixel becomes 4 x 4 equal ones. */
const enlarge = (tile: Tensor4D): Tensor4D => tidy(() => upsample(upsample(tile)));

const latentOf = (height: number, width: number) =>
  randomTensor(1, [2, height, width, 3]) as Tensor4D;

describe('tiledDecode', () => {
  it.each([
    [13, 15, 0.25],
    [8, 9, 0.25],
    [12, 12, 0.25],
    [9, 12, 0.5],
    [12, 9, 0],
  ])('is decoding at once where tiles agree: %i x %i, overlap %d', async (...example) => {
    const [height, width, overlap] = example;
    const latent = latentOf(height, width);
    const seen: string[] = [];
    const image = await tiledDecode({
      latent,
      decode: enlarge,
      tileSize: 8,
      overlap,
      onProgress: ({ decoded, total }) => seen.push(`${decoded}/${total}`),
    });
    tidy(() => {
      const expected = enlarge(latent);
      expect(image.shape).toEqual(expected.shape);
      expect(relativeError(image.dataSync(), expected.dataSync())).toBeLessThan(1e-6);
    });
    const stride = 8 * (1 - overlap);
    const count = Math.ceil(height / stride) * Math.ceil(width / stride);
    expect(seen).toEqual(Array.from({ length: count }, (_, i) => `${i + 1}/${count}`));
    latent.dispose();
    image.dispose();
  });

  it('goes over from one tile to the next in a straight line', async () => {
    let tile = 0;
    const latent = latentOf(4, 10);
    const image = await tiledDecode({
      latent,
      tileSize: 4,
      overlap: 0.5,
      decode: ({ shape: [b, h, w] }) => fill([b, 2 * h, 2 * w, 1], tile++ % 5),
    });
    const row = tidy(() => [...slice(image, [0, 3, 0, 0], [1, 1, -1, 1]).dataSync()]);
    // Tiles start at every fourth pixel; each is blended with the one before over its first four.
    const value = (x: number) => (x < 4 ? 0 : (x - 4) / 4);
    expect(row).toEqual(Array.from({ length: 20 }, (_, x) => value(x)));
    latent.dispose();
    image.dispose();
  });

  it('decodes what is no larger than a tile at once', async () => {
    const latent = latentOf(8, 6);
    const tiles: number[][] = [];
    const decode = (tile: Tensor4D) => {
      tiles.push(tile.shape);
      return enlarge(tile);
    };
    (await tiledDecode({ latent, decode, tileSize: 8 })).dispose();
    expect(tiles).toEqual([[2, 8, 6, 3]]);
    latent.dispose();
  });

  it('holds no more beside the image than seams and a tile, however many tiles there are', async () => {
    const latent = latentOf(30, 30);
    const start = memory().numBytes;
    let most = 0;
    let done = 0;
    const image = await tiledDecode({
      latent,
      tileSize: 8,
      decode: (tile) => {
        most = Math.max(most, memory().numBytes - start - done);
        return enlarge(tile);
      },
      onProgress: ({ decoded }) => {
        // Rows of parts that went to the image: 24 pixels high, and as wide as the image.
        done = Math.floor(decoded / 5) * 2 * 24 * 120 * 3 * 4;
      },
    });
    // A row of parts and two of seams, each a third of it, and some tiles.
    const row = 2 * 32 * 120 * 3 * 4;
    const tile = 2 * 32 * 32 * 3 * 4;
    expect(most).toBeLessThan(2 * row + 2 * tile);
    latent.dispose();
    image.dispose();
  });

  it('stops when its caller says so, and frees everything', async () => {
    const latent = latentOf(20, 20);
    const controller = new AbortController();
    const decoding = tiledDecode({
      latent,
      decode: enlarge,
      tileSize: 8,
      onProgress: ({ decoded }) => decoded === 6 && controller.abort(),
      signal: controller.signal,
    });
    await expect(decoding).rejects.toBeInstanceOf(AbortedError);
    latent.dispose();
  });

  it.each([
    ['tileSize', { tileSize: 1 }],
    ['overlap', { overlap: 0.6 }],
    ['overlap', { tileSize: 10, overlap: 0.25 }],
    [
      'decode',
      { tileSize: 4, decode: ({ shape: [b, h, w] }: Tensor4D) => fill([b, 3 * h, w, 1], 0) },
    ],
  ] as const)('names %s in %o', async (argument, fault) => {
    const latent = latentOf(9, 9);
    const decoding = tiledDecode({ latent, decode: enlarge, ...fault } as never);
    await expect(decoding).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(decoding).rejects.toThrowError(new RegExp(`^${argument} is`));
    latent.dispose();
  });
});

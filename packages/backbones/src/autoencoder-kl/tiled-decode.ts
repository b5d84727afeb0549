import { assertArgument, throwIfAborted } from '@harmonica/core';
import {
  add,
  concat,
  dispose,
  mul,
  reshape,
  slice,
  sub,
  type Tensor4D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';

/** Options of {@link tiledDecode}. */
export interface TiledDecodeOptions {
  /** Unscaled, `[B, h, w, C]`. Not disposed. */
  readonly latent: Tensor4D;
  /**
   * Decodes `[B, th, tw, C]` to an image that is larger by a whole factor, such as `autoencoder.decode` or a compiled
   * version of it. What it returns is disposed here.
   */
  readonly decode: (tile: Tensor4D) => Tensor4D | Promise<Tensor4D>;
  /** Side of a tile in latent pixels. Default 64, for autoencoders that were trained at 512 x 512. */
  readonly tileSize?: number;
  /** The share of a tile that the next one covers too, in [0, 0.5]; a whole number of pixels. Default 0.25. */
  readonly overlap?: number;
  /** Called after each tile. */
  readonly onProgress?: (progress: TiledDecodeProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

/** How far decoding has come, in tiles. */
export interface TiledDecodeProgress {
  readonly decoded: number;
  readonly total: number;
}

/**
 * Decodes a large latent in tiles and blends them where they overlap. The decoder never works on more than a tile, whatever
 * the image's size; all else that is held are the finished rows and the seams of one row. Tiles and linear blending are
 * those of diffusers; a latent that is no larger than a tile is decoded whole. Each tile is normalised and attends to
 * itself alone, so that the result differs a little from that of decoding at once.
 *
 * @returns `[B, H, W, channels]`; the caller disposes it
 * @throws {@link InvalidArgumentError} if there are no such tiles, or `decode` does not enlarge them by a whole factor
 * @throws {@link AbortedError}
 */
export async function tiledDecode(options: TiledDecodeOptions): Promise<Tensor4D> {
  const { latent, decode, tileSize = 64, overlap = 0.25, onProgress, signal } = options;
  assertTiles({ tileSize, overlap });
  const [, height, width] = latent.shape;
  if (height <= tileSize && width <= tileSize) return decode(latent);
  const stride = tileSize * (1 - overlap);
  const [tops, lefts] = [startsOf(height, stride), startsOf(width, stride)];
  const total = tops.length * lefts.length;
  let decoded = 0;
  const rows: Tensor4D[] = [];
  const row: Tile[] = [];
  let above: readonly Tile[] = [];
  try {
    for (const top of tops) {
      for (const [column, left] of lefts.entries()) {
        throwIfAborted(signal, 'Decoding in tiles');
        const neighbours = { above: above[column]?.bottom, beside: row.at(-1)?.right };
        row.push(await decodeTile({ latent, decode, tileSize, overlap, top, left, ...neighbours }));
        neighbours.beside?.dispose();
        onProgress?.({ decoded: ++decoded, total });
      }
      const parts = row.map(({ part }) => part);
      rows.push(concat(parts, 2));
      dispose(parts);
      above.forEach(disposeTile);
      above = row.splice(0);
    }
    return concat(rows, 1);
  } finally {
    dispose(rows);
    [...above, ...row].forEach(disposeTile);
  }
}

function startsOf(size: number, stride: number): number[] {
  return Array.from({ length: Math.ceil(size / stride) }, (_, i) => i * stride);
}

/** A decoded tile: what of it goes to the image, and what its neighbours are blended with. */
type Tile = { readonly part: Tensor4D; readonly bottom: Tensor4D; readonly right: Tensor4D };

/** Frees what is left of a tile. */
function disposeTile(tile: Tile): void {
  dispose(tile);
}

interface TileOptions {
  readonly latent: Tensor4D;
  readonly decode: TiledDecodeOptions['decode'];
  readonly tileSize: number;
  readonly overlap: number;
  readonly top: number;
  readonly left: number;
  /** The lowest rows of the tile above. */
  readonly above: Tensor4D | undefined;
  /** The last columns of the tile to the left. */
  readonly beside: Tensor4D | undefined;
}

async function decodeTile(options: TileOptions): Promise<Tile> {
  const { latent, decode, tileSize, overlap, top, left, above, beside } = options;
  const [, height, width] = latent.shape;
  const size = [Math.min(tileSize, height - top), Math.min(tileSize, width - left)] as const;
  const cut = slice(latent, [0, top, left, 0], [-1, ...size, -1]);
  try {
    const image = await decode(cut);
    try {
      const side = tileSize * enlargement(image, size);
      const extent = side * overlap;
      return tidy(() => {
        const below = above ? blended({ before: above, after: image, extent, axis: 1 }) : image;
        const whole = beside ? blended({ before: beside, after: below, extent, axis: 2 }) : below;
        return {
          part: head(head(whole, side - extent, 1), side - extent, 2),
          bottom: tail(whole, extent, 1),
          right: tail(whole, extent, 2),
        };
      });
    } finally {
      image.dispose();
    }
  } finally {
    cut.dispose();
  }
}

/** By how much the decoder enlarges. */
function enlargement(image: Tensor4D, [rows, columns]: readonly [number, number]): number {
  const factor = image.shape[1] / rows;
  const expected = `an image that is larger than its ${rows} x ${columns} tile by a whole factor`;
  const isWhole = Number.isInteger(factor) && image.shape[2] === columns * factor;
  assertArgument({ decode: image.shape }, expected, isWhole);
  return factor;
}

interface BlendOptions {
  readonly before: Tensor4D;
  readonly after: Tensor4D;
  /** Pixels to blend at most. */
  readonly extent: number;
  readonly axis: 1 | 2;
}

/** `after`, whose first pixels along the axis are a linear transition from the last pixels of `before`. */
function blended({ before, after, extent, axis }: BlendOptions): Tensor4D {
  const size = after.shape[axis];
  const count = Math.min(before.shape[axis], size, extent);
  if (count === 0) return after;
  const ramp = reshape(
    tensor1d(Array.from({ length: count }, (_, i) => i / count)),
    axis === 1 ? [1, count, 1, 1] : [1, 1, count, 1],
  );
  const mixed: Tensor4D = add(
    mul(tail(before, count, axis), sub(1, ramp)),
    mul(head(after, count, axis), ramp),
  );
  return count === size ? mixed : concat([mixed, tail(after, size - count, axis)], axis);
}

/** The first `count` rows (axis 1) or columns (axis 2), or all. */
function head(image: Tensor4D, count: number, axis: 1 | 2): Tensor4D {
  const size = Math.min(count, image.shape[axis]);
  return slice(image, 0, axis === 1 ? [-1, size] : [-1, -1, size]);
}

/** The last `count` rows (axis 1) or columns (axis 2), or all. */
function tail(image: Tensor4D, count: number, axis: 1 | 2): Tensor4D {
  const begin = Math.max(0, image.shape[axis] - count);
  return slice(image, axis === 1 ? [0, begin] : [0, 0, begin]);
}

function assertTiles({ tileSize, overlap }: { tileSize: number; overlap: number }): void {
  assertArgument(
    { tileSize },
    'an integer of 2 or more',
    Number.isInteger(tileSize) && tileSize >= 2,
  );
  assertArgument(
    { overlap },
    `a number in [0, 0.5] that is a whole number of the ${tileSize} pixels of a tile`,
    overlap >= 0 && overlap <= 0.5 && Number.isInteger(tileSize * overlap),
  );
}

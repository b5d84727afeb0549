import { createHash } from 'node:crypto';
import { CheckpointError, type NamedTensors, ShapeError } from '@harmonica/core';
import type { DrawLatents } from '@harmonica/sdt';
import { openCheckpoint } from '@harmonica/weights';
import { tensor4d } from '@tensorflow/tfjs-core';
import type { LatentSize } from './architecture.js';
import type { Subjects } from './subjects.js';

/** Latents of real images, scaled as the model was trained on them, and what each is of. */
export interface LatentSet {
  /** One for each image. */
  readonly labels: readonly number[];
  /** `[count, height, width, channels]`, row-major. */
  readonly means: Float32Array;
  /** Standard deviations of the autoencoder's distributions, alike. Absent: the means are the latents. */
  readonly deviations?: Float32Array;
  /** Of the files that it was made from and the labels, 64 hexadecimal digits. */
  readonly sha256: string;
}

/** Options of {@link readLatents}. */
export interface ReadLatentsOptions {
  readonly path: string;
  readonly latent: LatentSize;
  readonly subjects: Pick<Subjects, 'count'>;
}

/**
 * Reads a file with `latents` `[count, height, width, channels]` and `labels` `[count]`.
 *
 * @throws {@link CheckpointError} if one is missing or a label is not the model's
 * @throws {@link ShapeError} if they are not of the model's size, or not as many
 */
export async function readLatents(options: ReadLatentsOptions): Promise<LatentSet> {
  const { path, latent, subjects } = options;
  const source = await openCheckpoint(path);
  try {
    const { height, width, channels } = latent;
    const { shape } = source.info('latents');
    const [count = 0] = shape;
    assertShape(`latents of ${path}`, shape, [count || null, height, width, channels]);
    assertShape(`labels of ${path}`, source.info('labels').shape, [count]);
    const means = await source.read('latents');
    const labels = Array.from(await source.read('labels'));
    const wrong = labels.find((label) => !isLabel(label, subjects));
    if (wrong !== undefined) {
      const problem = `has ${wrong}; expected integers in [0, ${subjects.count - 1}]`;
      throw new CheckpointError({ path, key: 'labels', problem });
    }
    return { labels, means, sha256: hashOf(means, labels) };
  } finally {
    await source.close();
  }
}

/** Whether a number stands for a subject. */
export function isLabel(label: number, { count }: Pick<Subjects, 'count'>): boolean {
  return Number.isInteger(label) && label >= 0 && label < count;
}

/** Options of {@link latentDraws}. */
export interface LatentDrawsOptions {
  readonly set: LatentSet;
  readonly latent: LatentSize;
  readonly condition: (labels: readonly number[]) => NamedTensors;
}

/** Draws images of a set with equal chances, and a latent of each of its distributions anew. */
export function latentDraws({ set, latent, condition }: LatentDrawsOptions): DrawLatents {
  const { height, width, channels } = latent;
  const size = height * width * channels;
  return (rng, batch) => {
    const rows = Array.from({ length: batch }, () => rng.integer(set.labels.length));
    const pick = (all: Float32Array) => {
      const values = new Float32Array(batch * size);
      rows.forEach((row, i) => {
        values.set(all.subarray(row * size, (row + 1) * size), i * size);
      });
      return values;
    };
    const values = pick(set.means);
    if (set.deviations) {
      const noise = rng.fillNormal(new Float32Array(values.length));
      for (const [i, deviation] of pick(set.deviations).entries()) {
        values[i] = (values[i] as number) + deviation * (noise[i] as number);
      }
    }
    return {
      latent: tensor4d(values, [batch, height, width, channels]),
      condition: condition(rows.map((row) => set.labels[row] as number)),
    };
  };
}

function assertShape(
  tensor: string,
  actual: readonly number[],
  expected: readonly (number | null)[],
): void {
  const fits = expected.every((size, i) =>
    size === null ? (actual[i] ?? 0) > 0 : actual[i] === size,
  );
  if (actual.length === expected.length && fits) return;
  throw new ShapeError({ tensor, actual, expected });
}

function hashOf(means: Float32Array, labels: readonly number[]): string {
  return createHash('sha256').update(means).update(JSON.stringify(labels)).digest('hex');
}

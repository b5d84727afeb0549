import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import {
  assertArgument,
  assertShape,
  CheckpointError,
  FileError,
  type LongCallOptions,
  type NamedTensors,
  NonFiniteError,
  type PixelImage,
  parseJson,
  type Rng,
  throwIfAborted,
  trackProgress,
} from '@harmonica/core';
import { openCheckpoint } from '@harmonica/weights';
import { type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Conditions } from '../conditions.js';
import { decodePngOf, readBytes, readText } from '../files.js';
import type { LatentSize } from '../models/architecture.js';
import { type CompiledEncoder, fitImage } from './codec.js';
import { pictureFiles } from './picture-files.js';

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
  readonly conditions: Pick<Conditions, 'count'>;
}

/**
 * Reads a file with `latents` `[count, height, width, channels]` and `labels` `[count]`.
 *
 * @throws {@link CheckpointError} if one is missing or a label is not the model's
 * @throws {@link ShapeError} if they are not of the model's size, or not as many
 */
export async function readLatents(options: ReadLatentsOptions): Promise<LatentSet> {
  const { path, latent, conditions } = options;
  const source = await openCheckpoint(path);
  try {
    const { height, width, channels } = latent;
    const latents = source.info('latents');
    const [count = 0] = latents.shape;
    assertShape({ [`latents of ${path}`]: latents }, [Math.max(1, count), height, width, channels]);
    assertShape({ [`labels of ${path}`]: source.info('labels') }, [count]);
    const means = await source.read('latents');
    const labels = Array.from(await source.read('labels'));
    const wrong = labels.find((label) => !isLabel(label, conditions));
    if (wrong !== undefined) {
      const problem = `has ${wrong}; expected integers in [0, ${conditions.count - 1}]`;
      throw new CheckpointError({ path, key: 'labels', problem });
    }
    return { labels, means, sha256: hashOf(means, labels) };
  } finally {
    await source.close();
  }
}

/** Whether a number stands for a condition. */
function isLabel(label: number, { count }: Pick<Conditions, 'count'>): boolean {
  return Number.isInteger(label) && label >= 0 && label < count;
}

/** Draws a batch of latents `[batch, height, width, channels]` and their condition. The caller disposes them. */
export type DrawLatents = (
  rng: Rng,
  batch: number,
) => { readonly latent: Tensor4D; readonly condition: NamedTensors };

/** Options of {@link latentDraws}. */
export interface LatentDrawsOptions {
  readonly set: LatentSet;
  readonly latent: LatentSize;
  /** The condition of a batch, one label each. */
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

function hashOf(means: Float32Array, labels: readonly number[]): string {
  return createHash('sha256').update(means).update(JSON.stringify(labels)).digest('hex');
}

/** Options of {@link encodeImages}. */
export interface EncodeImagesOptions extends LongCallOptions {
  readonly images: readonly LabeledImage[];
  readonly encoder: CompiledEncoder;
}

/**
 * The latents of images, one after the other.
 *
 * @throws {@link FileError} if one is not a PNG that can be read; {@link AbortedError}
 * @throws {@link NonFiniteError} if the autoencoder makes NaN
 */
export async function encodeImages(options: EncodeImagesOptions): Promise<LatentSet> {
  const { images, encoder, signal, onProgress } = options;
  const progress = trackProgress({ onProgress, label: 'encoding', total: images.length });
  const hash = createHash('sha256');
  const parts: Halves[] = [];
  for (const { path, label } of images) {
    await setImmediate(); // Ctrl-C is heard between two images, whatever the engine
    throwIfAborted(signal, 'Encoding');
    const file = await readBytes(path);
    hash.update(file).update(`\n${label}\n`);
    parts.push(await encodeOne(encoder, decodePngOf(path, file)));
    progress.add();
  }
  return {
    labels: images.map(({ label }) => label),
    means: joined(parts.map(({ mean }) => mean)),
    deviations: joined(parts.map(({ deviation }) => deviation)),
    sha256: hash.digest('hex'),
  };
}

interface Halves {
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
}

async function encodeOne(encoder: CompiledEncoder, image: PixelImage): Promise<Halves> {
  const input = fitImage(image, encoder.image);
  const output = await encoder.encode(input).finally(() => input.dispose());
  const both = (await output.data().finally(() => output.dispose())) as Float32Array;
  if (!both.every(Number.isFinite)) throw new NonFiniteError({ site: 'latent' });
  const channels = output.shape[3] / 2;
  const half = (first: number) => both.filter((_, i) => Math.floor(i / channels) % 2 === first);
  return { mean: half(0), deviation: half(1) };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const size = parts[0]?.length ?? 0;
  const all = new Float32Array(parts.length * size);
  parts.forEach((part, i) => {
    all.set(part, i * size);
  });
  return all;
}

/** A picture file and what it is of. */
export interface LabeledImage {
  readonly path: string;
  readonly label: number;
}

/** Options of {@link labeledImages}. */
export interface LabeledImagesOptions {
  readonly folder: string;
  /** A JSON object of the files' labels, by their paths in the folder. Default: subfolders are labels. */
  readonly classLabels?: string | undefined;
  readonly conditions: Pick<Conditions, 'count' | 'labelOf'>;
}

/**
 * The PNG files of a folder, sorted by path. Labels are class names or numbers; a model of one condition needs none.
 *
 * @throws {@link InvalidArgumentError} if there are no images or a label is not the model's
 * @throws {@link FileError} if a folder or file cannot be read
 * @throws {@link ConfigError} if the file of labels is malformed
 */
export async function labeledImages(options: LabeledImagesOptions): Promise<LabeledImage[]> {
  const { folder, classLabels, conditions } = options;
  const named =
    classLabels === undefined ? await inFolder(folder, conditions) : await inFile(classLabels);
  const images = named
    .map(([file, label]) => ({ path: join(folder, file), label: numberOf(label, conditions) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  assertArgument(
    { images: folder },
    'a folder with PNG images in one subfolder for each class',
    images.length > 0,
    'Name the subfolders by classes or their numbers, or give a file of class labels.',
  );
  return images;
}

/** A path in the folder and a label. */
type NamedLabel = readonly [file: string, label: string | number];

async function inFile(path: string): Promise<NamedLabel[]> {
  const schema = z.record(z.string(), z.union([z.string().min(1), z.number()]));
  return Object.entries(parseJson({ source: path, text: await readText(path), schema }));
}

async function inFolder(
  folder: string,
  { count }: LabeledImagesOptions['conditions'],
): Promise<NamedLabel[]> {
  return (await pictureFiles(folder)).flatMap((file): NamedLabel[] => {
    const [name, ...inside] = file.split('/') as [string, ...string[]];
    if (inside.length === 1) return [[file, name]];
    return inside.length === 0 && count === 1 ? [[file, 0]] : [];
  });
}

function numberOf(label: string | number, conditions: LabeledImagesOptions['conditions']): number {
  const number = typeof label === 'number' || /^\d+$/.test(label) ? Number(label) : undefined;
  if (number === undefined) return conditions.labelOf(String(label));
  const expected = `a class, or its number in [0, ${conditions.count - 1}]`;
  assertArgument({ 'the label of an image': label }, expected, isLabel(number, conditions));
  return number;
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '@harmonica/core';
import { isFile, writeOutput } from '@harmonica/pipeline';
import { decodeSafetensors, writeSafetensors } from '@harmonica/weights';

/** Tensors of a batch by name, each `[images, numbers]` or of the batch as a whole. */
export type Shard = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly data: Float32Array }
>;

/** Images that are made, and kept, together. */
export interface Batch<T = unknown> {
  /** Index of its first image. */
  readonly start: number;
  /** What they are made from. */
  readonly items: readonly T[];
}

/** All images, in batches. */
export function batchesOf<T>(items: readonly T[], batchSize: number): readonly Batch<T>[] {
  const count = Math.ceil(items.length / batchSize);
  return Array.from({ length: count }, (_, i) => {
    const start = i * batchSize;
    return { start, items: items.slice(start, start + batchSize) };
  });
}

/** The file of a batch. It is there complete or not at all, so that a run that was stopped goes on where it was. */
export function shardPath(folder: string, { start }: Batch): string {
  return join(folder, `${String(start).padStart(6, '0')}.safetensors`);
}

/** Whether a batch was done before. */
export function hasShard(folder: string, batch: Batch): Promise<boolean> {
  return isFile(shardPath(folder, batch));
}

/** @throws {@link FileError}, {@link CheckpointError} if it is not there or damaged */
export async function readShard(folder: string, batch: Batch): Promise<Shard> {
  const { tensors } = decodeSafetensors(await readFile(shardPath(folder, batch)));
  return tensors as Shard;
}

/** @throws {@link FileError} */
export function writeShard(folder: string, batch: Batch, tensors: Shard): Promise<void> {
  return writeSafetensors(shardPath(folder, batch), { tensors });
}

/** A tensor of a shard that has one row for each image. */
export function rowsIn(shard: Shard, name: string): readonly Float32Array[] {
  const { shape, data } = shard.get(name) as { shape: readonly number[]; data: Float32Array };
  const [count = 0] = shape;
  const size = data.length / count;
  return Array.from({ length: count }, (_, i) => data.slice(i * size, (i + 1) * size));
}

/** Rows of equal length as a tensor of a shard. */
export function stacked(rows: readonly (Float32Array | readonly number[])[]): {
  readonly shape: readonly number[];
  readonly data: Float32Array;
} {
  const size = rows[0]?.length ?? 0;
  const data = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries()) data.set(row, i * size);
  return { shape: [rows.length, size], data };
}

/** Options of {@link remembered}. */
interface RememberedOptions<T> {
  /** That exists. */
  readonly folder: string;
  /** Everything that the value depends on. Plain JSON. */
  readonly key: unknown;
  readonly make: () => Promise<T>;
}

/** The file of {@link remembered}. */
export function memoPath({ folder, key }: Pick<RememberedOptions<unknown>, 'folder' | 'key'>) {
  return join(folder, `${fingerprint(key).slice(0, 16)}.json`);
}

/** A value of plain JSON that is made once: later it is read from a file that is named after what it depends on. */
export async function remembered<T>({ folder, key, make }: RememberedOptions<T>): Promise<T> {
  const path = memoPath({ folder, key });
  if (await isFile(path)) return JSON.parse(await readFile(path, 'utf8')) as T;
  const value = await make();
  await writeOutput(path, `${JSON.stringify(value)}\n`);
  return value;
}

/** What a function makes at its first call, at every call. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

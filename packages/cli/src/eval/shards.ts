import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSafetensors, writeSafetensors } from '@harmonica/weights';
import { isFile } from '../is-file.js';

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

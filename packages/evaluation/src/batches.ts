import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFile } from '@harmonica/pipeline';
import { decodeSafetensors, writeSafetensors } from '@harmonica/weights';

/** Tensors of a batch by name, each `[images, numbers]` or of the batch as a whole. */
export type BatchTensors = ReadonlyMap<
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
export function batchPath(folder: string, { start }: Batch): string {
  return join(folder, `${String(start).padStart(6, '0')}.safetensors`);
}

/** Whether a batch was done before. */
export function hasBatch(folder: string, batch: Batch): Promise<boolean> {
  return isFile(batchPath(folder, batch));
}

/** @throws {@link FileError}, {@link CheckpointError} if it is not there or damaged */
export async function readBatch(folder: string, batch: Batch): Promise<BatchTensors> {
  const { tensors } = decodeSafetensors(await readFile(batchPath(folder, batch)));
  return tensors as BatchTensors;
}

/** @throws {@link FileError} */
export function writeBatch(folder: string, batch: Batch, tensors: BatchTensors): Promise<void> {
  return writeSafetensors(batchPath(folder, batch), { tensors });
}

/** A tensor of a batch that has one row for each image. */
export function rowsIn(batch: BatchTensors, name: string): readonly Float32Array[] {
  const { shape, data } = batch.get(name) as { shape: readonly number[]; data: Float32Array };
  const [count = 0] = shape;
  const size = data.length / count;
  return Array.from({ length: count }, (_, i) => data.slice(i * size, (i + 1) * size));
}

/** Rows of equal length as a tensor of a batch. */
export function stacked(rows: readonly (Float32Array | readonly number[])[]): {
  readonly shape: readonly number[];
  readonly data: Float32Array;
} {
  const size = rows[0]?.length ?? 0;
  const data = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries()) data.set(row, i * size);
  return { shape: [rows.length, size], data };
}

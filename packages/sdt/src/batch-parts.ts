import type { Guidance, NamedTensors } from '@harmonica/core';
import { gather, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { SETTING_DEFAULTS, type TrainingConfig } from './training-config.js';

/** Options of {@link partsOf}. */
export interface PartsOfOptions {
  /** Images. */
  readonly size: number;
  /** Images of a part at most, at least 1. */
  readonly partSize: number;
}

/**
 * The images of a batch in as few parts as can be, as equal as can be.
 *
 * @returns for each part the indices of its images, in order
 */
export function partsOf({ size, partSize }: PartsOfOptions): number[][] {
  const count = Math.ceil(size / partSize);
  const startOf = (part: number) => Math.round((part * size) / count);
  return Array.from({ length: count }, (_, part) => {
    const start = startOf(part);
    return Array.from({ length: startOf(part + 1) - start }, (_, i) => start + i);
  });
}

/** Images of a part at most: with guidance the model runs on two samples for each. */
export function partSizeOf(
  { microBatch = SETTING_DEFAULTS.microBatch }: Pick<TrainingConfig, 'microBatch'>,
  guidance: Guidance | undefined,
): number {
  return guidance ? Math.max(1, Math.floor(microBatch / 2)) : microBatch;
}

/** Rows of every tensor, in the given order. The caller disposes the result. */
export function gatherRows(tensors: NamedTensors, rows: readonly number[]): NamedTensors {
  return tidy(() => {
    const indices = tensor1d([...rows], 'int32');
    const entries = Object.entries(tensors).map(([name, each]) => [name, gather(each, indices)]);
    return Object.fromEntries(entries) as Record<string, Tensor>;
  });
}

import type { WeightSource } from '@harmonica/core';
import { writeFileAtomic } from './atomic-file.js';
import { type ByteSource, openWith } from './byte-source.js';
import { adoptFloat32 } from './element-type.js';
import { encodeParts, type SafetensorsContent } from './safetensors.js';
import {
  headerLength,
  PREFIX_BYTES,
  parseHeader,
  type SafetensorsHeader,
} from './safetensors-header.js';
import { createWeightSource, type StoredTensor } from './weight-source.js';

/** A safetensors file whose tensors are read one by one. */
export interface SafetensorsSource extends WeightSource {
  /** Free text by key; empty if the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Opens a `.safetensors` file: reads its header now and each tensor when it is asked for. The caller closes it.
 *
 * @throws {@link FileError} if the file cannot be read
 * @throws {@link CheckpointError} if it is truncated or malformed
 * @throws {@link DTypeError} if a tensor has an unknown element type
 */
export function openSafetensors(path: string): Promise<SafetensorsSource> {
  return openWith(path, openSafetensorsIn);
}

/** {@link openSafetensors} over any bytes. The source closes `file`. */
export async function openSafetensorsIn(file: ByteSource): Promise<SafetensorsSource> {
  const { entries, metadata } = await readHeader(file);
  const tensors = new Map<string, StoredTensor>();
  for (const [key, { shape, type, begin, end }] of entries) {
    const read = async () =>
      adoptFloat32({ path: file.path, key, type, bytes: await file.read({ begin, end }) });
    tensors.set(key, { shape, dtype: type, read });
  }
  const source = createWeightSource({ path: file.path, tensors, close: () => file.close() });
  return { ...source, metadata };
}

/**
 * Writes a `.safetensors` file, one tensor after the other. The file appears complete or not at all: an interrupted or
 * failed write leaves what was there before.
 *
 * @throws {@link FileError} if the file cannot be written
 * @throws {@link InvalidArgumentError} if a tensor's data does not fill its shape
 * @throws {@link NonFiniteError} if a finite value is too large for `dtype`
 * @throws {@link AbortedError} if `signal` says so
 */
export function writeSafetensors(
  path: string,
  content: SafetensorsContent & { readonly signal?: AbortSignal },
): Promise<void> {
  const { signal, ...rest } = content;
  return writeFileAtomic({ path, chunks: encodeParts(rest), ...(signal ? { signal } : {}) });
}

async function readHeader(file: ByteSource): Promise<SafetensorsHeader> {
  const { path, sizeBytes } = file;
  const prefix = await file.read({ begin: 0, end: Math.min(PREFIX_BYTES, sizeBytes) });
  const end = PREFIX_BYTES + headerLength({ path, sizeBytes, prefix });
  return parseHeader({ path, sizeBytes, json: await file.read({ begin: PREFIX_BYTES, end }) });
}

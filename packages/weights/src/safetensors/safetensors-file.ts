import { dirname, join } from 'node:path';
import { CheckpointError, InvalidArgumentError, type WeightSource } from '@harmonica/core';
import { type ByteSource, openByteFile, openWith } from '../byte-source.js';
import { adoptFloat32 } from '../dtypes.js';
import { isBelow, writeFileAtomic } from '../files.js';
import { isJsonObject, parseJsonObject } from '../json-object.js';
import { createWeightSource, type StoredTensor, storedTensors } from '../weight-source.js';
import { encodeParts, type SafetensorsContent } from './safetensors.js';
import {
  headerLength,
  PREFIX_BYTES,
  parseHeader,
  type SafetensorsHeader,
} from './safetensors-header.js';

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

/** An index has some 100 bytes per tensor. */
const MAX_INDEX_BYTES = 2 ** 26;

/** All are open at a time, and systems allow about as many. The largest models have some two hundred. */
const MAX_SHARDS = 1000;

/** Opens one file of several. */
type OpenShard = (path: string) => Promise<WeightSource>;

/**
 * Opens the shards that a `*.safetensors.index.json` lists, as one source. The caller closes it.
 *
 * @throws {@link FileError} if the index or a shard cannot be read
 * @throws {@link CheckpointError} if the index is malformed, a shard is, or a shard lacks a tensor that is listed
 */
export async function openIndexWith(options: {
  path: string;
  open: OpenShard;
}): Promise<WeightSource> {
  const { path, open } = options;
  const shardOf = await readIndex(path);
  const files = [...new Set(shardOf.values())];
  const shards = await openAll({ paths: files.map((file) => join(dirname(path), file)), open });
  const byFile = new Map(files.map((file, i) => [file, shards[i] as WeightSource]));
  return closingOnFailure(shards, () => {
    const tensors = new Map<string, StoredTensor>();
    for (const [name, file] of shardOf) {
      const shard = byFile.get(file) as WeightSource;
      tensors.set(name, { ...shard.info(name), read: () => shard.read(name) });
    }
    return createWeightSource({ path, tensors, close: () => closeAll(shards) });
  });
}

/**
 * The shard of each tensor that an index lists, a path relative to the index.
 *
 * @throws {@link FileError} if it cannot be read
 * @throws {@link CheckpointError} if it is malformed
 */
export async function readIndex(path: string): Promise<ReadonlyMap<string, string>> {
  return parseIndex({ path, bytes: await readWhole(path) });
}

/**
 * Opens several `.safetensors` files as one source, named after the first. The caller closes it.
 *
 * @param paths one or more files
 * @throws {@link FileError} if a file cannot be read
 * @throws {@link CheckpointError} if a file is malformed, or a tensor is in two of them
 */
export async function openSafetensorsShards(paths: readonly string[]): Promise<WeightSource> {
  const [path] = paths;
  if (path === undefined) {
    throw new InvalidArgumentError({ argument: 'paths', value: paths, expected: 'a file or more' });
  }
  const shards = await openAll({ paths, open: openSafetensors });
  return closingOnFailure(shards, () => {
    const tensors = new Map<string, StoredTensor>();
    for (const shard of shards) {
      for (const [name, tensor] of storedTensors(shard)) {
        if (tensors.has(name)) throw inTwoShards({ path: shard.path, name });
        tensors.set(name, tensor);
      }
    }
    return createWeightSource({ path, tensors, close: () => closeAll(shards) });
  });
}

function inTwoShards({ path, name }: { path: string; name: string }): CheckpointError {
  return new CheckpointError({
    path,
    key: name,
    problem: 'the tensor is in an earlier shard too',
    fix: 'Give each shard once, all of the same checkpoint.',
  });
}

async function readWhole(path: string): Promise<Uint8Array> {
  const file = await openByteFile(path);
  try {
    checkIndexSize(file);
    return await file.read({ begin: 0, end: file.sizeBytes });
  } finally {
    await file.close();
  }
}

function checkIndexSize({ path, sizeBytes }: ByteSource): void {
  if (sizeBytes <= MAX_INDEX_BYTES) return;
  throw new CheckpointError({
    path,
    problem: `${sizeBytes} bytes; expected a safetensors index of at most ${MAX_INDEX_BYTES}`,
    fix: 'Give the index itself, not a shard.',
  });
}

function parseIndex({ path, bytes }: { path: string; bytes: Uint8Array }): Map<string, string> {
  const { weight_map: weightMap } = parseJsonObject({ path, what: 'safetensors index', bytes });
  if (!isJsonObject(weightMap)) {
    throw new CheckpointError({ path, key: 'weight_map', problem: 'expected a JSON object' });
  }
  const entries = Object.entries(weightMap).map(([key, file]): [string, string] => {
    if (typeof file === 'string' && isBelow(file)) return [key, file];
    const problem = `shard ${JSON.stringify(file)}; expected the name of a file beside the index`;
    throw new CheckpointError({ path, key, problem });
  });
  const shards = new Set(entries.map(([, file]) => file)).size;
  if (shards > MAX_SHARDS) {
    const problem = `${shards} shards; expected at most ${MAX_SHARDS}`;
    throw new CheckpointError({ path, key: 'weight_map', problem });
  }
  return new Map(entries);
}

async function openAll(options: {
  paths: readonly string[];
  open: OpenShard;
}): Promise<WeightSource[]> {
  const { paths, open } = options;
  const results = await Promise.allSettled(paths.map((path) => open(path)));
  const opened = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure === undefined) return opened;
  await closeAll(opened);
  throw failure.reason;
}

async function closingOnFailure(
  sources: readonly WeightSource[],
  build: () => WeightSource,
): Promise<WeightSource> {
  try {
    return build();
  } catch (error) {
    await closeAll(sources);
    throw error;
  }
}

async function closeAll(sources: readonly WeightSource[]): Promise<void> {
  await Promise.all(sources.map((source) => source.close()));
}

import {
  CheckpointError,
  DisposedError,
  type WeightInfo,
  type WeightSource,
} from '@harmonica/core';
import { nearestNames } from './nearest-names.js';

/** One tensor that has not been read yet. */
export interface StoredTensor extends WeightInfo {
  /** The values as float32, row-major, in memory of their own. */
  read(): Promise<Float32Array>;
}

/** A {@link WeightSource} over tensors by name. Reading after `close` throws {@link DisposedError}. */
export function createWeightSource(options: {
  path: string;
  tensors: ReadonlyMap<string, StoredTensor>;
  close: () => Promise<void>;
}): WeightSource {
  const { path, tensors, close } = options;
  const names = [...tensors.keys()];
  let closed = false;
  const find = (name: string) => tensors.get(name) ?? missing({ path, name, names });
  return {
    path,
    names,
    info(name) {
      const { shape, dtype } = find(name);
      return { shape, dtype };
    },
    async read(name) {
      if (closed) throw new DisposedError(path);
      return find(name).read();
    },
    async close() {
      if (closed) return;
      closed = true;
      await close();
    },
  };
}

/** Tensors of a source, each still to be read. */
export function storedTensors(source: WeightSource): [name: string, tensor: StoredTensor][] {
  return source.names.map((name) => [
    name,
    { ...source.info(name), read: () => source.read(name) },
  ]);
}

/** Throws for a tensor that is not there. */
export function missing(options: { path: string; name: string; names: readonly string[] }): never {
  const { path, name, names } = options;
  throw new CheckpointError({ path, key: name, problem: 'no such tensor', fix: hint(name, names) });
}

function hint(name: string, names: readonly string[]): string {
  if (names.length === 0) return 'The file holds no tensors.';
  return `The nearest of ${names.length} names: ${nearestNames({ name, names }).join(', ')}.`;
}

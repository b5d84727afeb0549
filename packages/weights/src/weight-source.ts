import {
  CheckpointError,
  DisposedError,
  type WeightInfo,
  type WeightSource,
} from '@harmonica/core';

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
function missing(options: { path: string; name: string; names: readonly string[] }): never {
  const { path, name, names } = options;
  throw new CheckpointError({ path, key: name, problem: 'no such tensor', fix: hint(name, names) });
}

function hint(name: string, names: readonly string[]): string {
  if (names.length === 0) return 'The file holds no tensors.';
  return `The nearest of ${names.length} names: ${nearestNames({ name, names }).join(', ')}.`;
}

/** Names and characters that are compared; more would take long and say little. */
const MAX_NAMES = 10_000;
const MAX_LENGTH = 256;

/** What {@link nearestNames} looks for, and among what. */
export interface NearestNamesOptions {
  readonly name: string;
  /** Of them, the first 10,000 that have no more than 256 characters. */
  readonly names: readonly string[];
  /** At most so many. Default 3. */
  readonly limit?: number;
  /** Whether names that are not alike at all are left out. Default false. */
  readonly alike?: boolean;
}

/**
 * The names that share most pairs of letters with `name` (Dice, 1945), best first, whatever their case. A part finds its
 * whole: `fruit` finds `food-fruit`.
 */
export function nearestNames(options: NearestNamesOptions): string[] {
  const { name, names, limit = 3, alike = false } = options;
  const wanted = pairsOf(name);
  return names
    .slice(0, MAX_NAMES)
    .filter((candidate) => candidate.length <= MAX_LENGTH)
    .map((candidate) => ({ candidate, score: similarity(wanted, pairsOf(candidate)) }))
    .filter(({ score }) => !alike || score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

/** 1 for the same pairs, 0 for none in common. */
function similarity(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = [...a].filter((pair) => b.has(pair)).length;
  return (2 * shared) / (a.size + b.size);
}

/** Letters with their right neighbours, ends included. */
function pairsOf(name: string): Set<string> {
  const letters = ` ${name.toLowerCase()} `;
  return new Set(Array.from({ length: letters.length - 1 }, (_, i) => letters.slice(i, i + 2)));
}

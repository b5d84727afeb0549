import { CheckpointError, type WeightSource } from '@harmonica/core';
import { createWeightSource, missing, type StoredTensor } from './weight-source.js';

/**
 * How tensors are renamed: a function from the stored name to the new one, where `undefined` leaves the tensor out, or
 * a table from stored to new names, where tensors that it does not list keep theirs.
 */
export type NameMap = ((name: string) => string | undefined) | ReadonlyMap<string, string>;

/**
 * The same tensors under other names. Closing the result closes `source`.
 *
 * @throws {@link CheckpointError} if two tensors would get one name, or the table lists a tensor that is not there
 */
export function mapNames(source: WeightSource, names: NameMap): WeightSource {
  const rename = typeof names === 'function' ? names : tableLookup(source, names);
  const storedNames = new Map<string, string>();
  const tensors = new Map<string, StoredTensor>();
  for (const stored of source.names) {
    const name = rename(stored);
    if (name === undefined) continue;
    const clash = storedNames.get(name);
    if (clash !== undefined) throw nameClash({ path: source.path, name, stored: [clash, stored] });
    storedNames.set(name, stored);
    tensors.set(name, { ...source.info(stored), read: () => source.read(stored) });
  }
  return createWeightSource({ path: source.path, tensors, close: () => source.close() });
}

function tableLookup(
  { path, names }: WeightSource,
  table: ReadonlyMap<string, string>,
): (name: string) => string {
  const known = new Set(names);
  for (const name of table.keys()) if (!known.has(name)) missing({ path, name, names });
  return (name) => table.get(name) ?? name;
}

function nameClash(options: {
  path: string;
  name: string;
  stored: readonly [string, string];
}): CheckpointError {
  const { path, name, stored } = options;
  return new CheckpointError({
    path,
    key: name,
    problem: `both "${stored[0]}" and "${stored[1]}" would get this name`,
    fix: 'Map them to different names, or leave one out.',
  });
}

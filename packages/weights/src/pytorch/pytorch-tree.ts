import { CheckpointError } from '@harmonica/core';
import { nearestNames } from '../weight-source.js';
import { StridedTensor } from './pytorch-content.js';
import { ForeignObject } from './unpickle.js';

/** An unpickled object and the file it is from. */
interface UnpickledObject {
  readonly path: string;
  readonly root: unknown;
}

/** A dict or list of a checkpoint. */
interface Container {
  /** Its keys joined by dots; empty for the root. */
  readonly name: string;
  /** The first object in it of which nothing is known, and its dotted name. */
  foreign?: { readonly key: string; readonly object: ForeignObject };
}

/** A tensor, and the dict or list that holds it. */
interface TensorPlace {
  readonly tensor: StridedTensor;
  readonly container: Container;
}

/** The tensors of a checkpoint by their dotted names, and every container that was looked at. */
export interface TensorTree {
  readonly tensors: ReadonlyMap<string, TensorPlace>;
  readonly containers: readonly Container[];
}

/** Containers within containers. No checkpoint has as many, but an object that contains itself would. */
const MAX_DEPTH = 100;

/** Items of containers that are looked at; those of one that is in many places count as often. */
const MAX_ITEMS = 2 ** 20;

/** Characters of all dotted names together. */
const MAX_NAME_CHARACTERS = 2 ** 25;

/**
 * The part of an object under a dotted name, such as `routers` or `state.ema`; the whole object without one.
 *
 * @throws {@link CheckpointError} if there is no such part; the message lists what there is
 */
export function selectPart(options: UnpickledObject & { select: string | undefined }): unknown {
  const { path, root, select } = options;
  let part = root;
  for (const name of select?.split('.') ?? []) {
    const found = findItem(part, name);
    if (!found) {
      const names = nearestNames({ name, names: namesOf(part), limit: 8 });
      const fix = names.length > 0 ? `There is: ${names.join(', ')}.` : 'It is no dict or list.';
      throw new CheckpointError({ path, key: select ?? name, problem: `no "${name}"`, fix });
    }
    part = found.item;
  }
  return part;
}

function findItem(part: unknown, name: string): { item: unknown } | undefined {
  for (const [key, item] of itemsOf(part)) if (nameOf(key) === name) return { item };
  return undefined;
}

function namesOf(part: unknown): string[] {
  return Array.from(itemsOf(part), ([key]) => nameOf(key));
}

/**
 * Every tensor within an object, under its keys joined by dots. A tensor in several places has several names.
 *
 * @throws {@link CheckpointError} if two tensors would get one name, or the object is a bare tensor, contains itself or
 * is too large
 */
export function flattenTensors({ path, root }: UnpickledObject): TensorTree {
  const tensors = new Map<string, TensorPlace>();
  const containers: Container[] = [];
  let items = 0;
  let characters = 0;
  const visit = (value: object, name: string, depth: number) => {
    if (depth > MAX_DEPTH) {
      throw hostile({ path, problem: `more than ${MAX_DEPTH} containers within containers` });
    }
    const container: Container = { name };
    containers.push(container);
    for (const [key, item] of itemsOf(value)) {
      items++;
      if (items > MAX_ITEMS) throw hostile({ path, problem: `over ${MAX_ITEMS} items` });
      if (typeof item !== 'object' || item === null) continue;
      const itemName = depth === 0 ? nameOf(key) : `${name}.${nameOf(key)}`;
      characters += itemName.length;
      if (characters > MAX_NAME_CHARACTERS) {
        throw hostile({ path, problem: `over ${MAX_NAME_CHARACTERS} characters of dotted names` });
      }
      if (item instanceof ForeignObject) container.foreign ??= { key: itemName, object: item };
      else if (item instanceof StridedTensor) add(itemName, { tensor: item, container });
      else visit(item, itemName, depth + 1);
    }
  };
  const add = (key: string, place: TensorPlace) => {
    if (tensors.has(key)) {
      throw new CheckpointError({ path, key, problem: 'two tensors have this dotted name' });
    }
    tensors.set(key, place);
  };
  if (root instanceof StridedTensor) {
    const fix = 'Save it in a dict.';
    throw new CheckpointError({ path, problem: 'a bare tensor, without a name', fix });
  }
  if (root instanceof ForeignObject) throw foreignError({ path, object: root });
  if (typeof root === 'object' && root !== null) visit(root, '', 0);
  return { tensors, containers };
}

/** A Python object of which nothing is known stands where it matters. */
export function foreignError(options: {
  path: string;
  object: ForeignObject;
  /** Its dotted name. */
  key?: string;
}): CheckpointError {
  const { path, object, key } = options;
  const place = key === undefined ? '' : ` at ${key}`;
  return new CheckpointError({
    path,
    key: object.name,
    problem: `the pickle asks for this Python object${place}; only tensors and plain data are read`,
    fix: 'Save a state dict or plain data instead. If you did not make this file, do not trust it.',
  });
}

/** Keys and values of a dict, or indices and items of a list; nothing for anything else. */
function itemsOf(value: unknown): Iterable<[key: unknown, item: unknown]> {
  return value instanceof Map || Array.isArray(value) ? value.entries() : [];
}

/** How a key stands in a dotted name. Keys that are no text, number or the like have no short one. */
function nameOf(key: unknown): string {
  return typeof key === 'object' && key !== null ? '(object)' : String(key);
}

function hostile({ path, problem }: { path: string; problem: string }): CheckpointError {
  const fix = 'The object contains itself, or the file is hostile; save plain data.';
  return new CheckpointError({ path, problem, fix });
}

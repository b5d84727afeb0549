import { CheckpointError } from '@harmonica/core';
import { nearestNames } from '../weight-source.js';
import { StorageReference, StridedTensor } from './pytorch-content.js';
import { PickleGlobal } from './unpickle.js';

/** A key of a Python dict. */
export type PyTorchKey = string | number | bigint | boolean | null;

/**
 * What a PyTorch checkpoint holds, with tensors as `Leaf`: dicts and `argparse.Namespace` are maps, lists and tuples
 * arrays, bytes `Uint8Array`, and integers from 2^53 on `bigint`.
 */
export type PyTorchTree<Leaf> =
  | PyTorchKey
  | Uint8Array
  | Leaf
  | readonly PyTorchTree<Leaf>[]
  | ReadonlyMap<PyTorchKey, PyTorchTree<Leaf>>
  | ReadonlySet<PyTorchTree<Leaf>>;

/** An unpickled object and the file it is from. */
interface UnpickledObject {
  readonly path: string;
  readonly root: unknown;
}

/** Containers within containers. No checkpoint has as many, but an object that contains itself would. */
const MAX_DEPTH = 100;

/** Containers and tensors that are looked at; one that is in many places counts as often. */
const MAX_VISITS = 2 ** 20;

/**
 * The part of an object under a dotted name, such as `routers` or `state.ema`; the whole object without one.
 *
 * @throws {@link CheckpointError} if there is no such part; the message lists what there is
 */
export function selectPart(options: UnpickledObject & { select: string | undefined }): unknown {
  const { path, root, select } = options;
  let part = root;
  for (const name of select?.split('.') ?? []) {
    const items = new Map(itemsOf(part)?.map(([key, item]) => [String(key), item]));
    if (!items.has(name)) {
      const names = nearestNames({ name, names: [...items.keys()], limit: 8 });
      const fix = names.length > 0 ? `There is: ${names.join(', ')}.` : 'It is no dict or list.';
      throw new CheckpointError({ path, key: select ?? name, problem: `no "${name}"`, fix });
    }
    part = items.get(name);
  }
  return part;
}

/**
 * Every tensor within an object, under its keys joined by dots. A tensor in several places has several names.
 *
 * @throws {@link CheckpointError} if two tensors would get one name, or the object is a bare tensor or contains itself
 */
export function flattenTensors({ path, root }: UnpickledObject): Map<string, StridedTensor> {
  const tensors = new Map<string, StridedTensor>();
  let visits = 0;
  const visit = (value: unknown, place: readonly string[]) => {
    checkDepth({ path, place });
    visits++;
    if (visits > MAX_VISITS) throw hostile({ path, problem: `over ${MAX_VISITS} containers` });
    if (value instanceof StridedTensor) addTensor({ path, tensors, place, value });
    for (const [key, item] of itemsOf(value) ?? []) {
      if (isObject(item)) visit(item, [...place, String(key)]);
    }
  };
  visit(root, []);
  return tensors;
}

/**
 * Every tensor within an object, once.
 *
 * @throws {@link CheckpointError} as {@link mapTensors}
 */
export function collectTensors({ path, root }: UnpickledObject): Set<StridedTensor> {
  const tensors = new Set<StridedTensor>();
  const leaf = (tensor: StridedTensor) => {
    tensors.add(tensor);
    return tensor;
  };
  mapTensors({ path, root, leaf });
  return tensors;
}

/**
 * An object with its tensors replaced by leaves. What is in several places stays one object.
 *
 * @throws {@link CheckpointError} if the object contains itself, or anything but tensors and plain data
 */
export function mapTensors<Leaf>(
  options: UnpickledObject & { leaf: (tensor: StridedTensor) => Leaf },
): PyTorchTree<Leaf> {
  const { path, root, leaf } = options;
  const copies = new Map<object, PyTorchTree<Leaf>>();
  const copy = (value: unknown, place: readonly string[]): PyTorchTree<Leaf> => {
    if (!isObject(value)) return value as PyTorchKey;
    checkDepth({ path, place });
    const made = copies.get(value) ?? copyObject(value, place);
    copies.set(value, made);
    return made;
  };
  const copyObject = (value: object, place: readonly string[]): PyTorchTree<Leaf> => {
    const copyItem = (item: unknown, key: unknown) => copy(item, [...place, String(key)]);
    if (value instanceof StridedTensor) return leaf(value);
    if (Array.isArray(value)) return value.map(copyItem);
    if (value instanceof Set) return new Set([...value].map(copyItem));
    if (value instanceof Uint8Array) return value;
    if (!(value instanceof Map)) return asPlain({ path, place, value });
    return new Map(
      [...value].map(([key, item]) => [asPlain({ path, place, value: key }), copyItem(item, key)]),
    );
  };
  return copy(root, []);
}

/** Keys and values of a dict, or indices and items of a list; nothing for anything else. */
function itemsOf(value: unknown): [key: unknown, item: unknown][] | undefined {
  if (value instanceof Map) return [...value.entries()];
  return Array.isArray(value) ? [...value.entries()] : undefined;
}

function addTensor(options: {
  path: string;
  tensors: Map<string, StridedTensor>;
  place: readonly string[];
  value: StridedTensor;
}): void {
  const { path, tensors, place, value } = options;
  const key = place.join('.');
  if (place.length === 0) {
    const fix = 'Read it with readPyTorchObject.';
    throw new CheckpointError({ path, problem: 'a bare tensor, without a name', fix });
  }
  if (tensors.has(key)) {
    throw new CheckpointError({ path, key, problem: 'two tensors have this dotted name' });
  }
  tensors.set(key, value);
}

/** Text, a number or the like: what a dict key may be. */
function asPlain(options: { path: string; place: readonly string[]; value: unknown }): PyTorchKey {
  const { path, place, value } = options;
  if (!isObject(value)) return value as PyTorchKey;
  throw new CheckpointError({
    path,
    key: place.join('.'),
    problem: `${describe(value)} where plain data is due`,
    fix: 'Save only tensors, numbers, text and containers of these.',
  });
}

function describe(value: object): string {
  if (value instanceof PickleGlobal) return `the Python object ${value.name}`;
  if (value instanceof StorageReference) return 'a bare tensor storage';
  return value instanceof StridedTensor ? 'a tensor' : 'a container';
}

function checkDepth({ path, place }: { path: string; place: readonly string[] }): void {
  if (place.length <= MAX_DEPTH) return;
  throw hostile({ path, problem: `more than ${MAX_DEPTH} containers within containers` });
}

function hostile({ path, problem }: { path: string; problem: string }): CheckpointError {
  const fix = 'The object contains itself, or the file is hostile; save plain data.';
  return new CheckpointError({ path, problem, fix });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

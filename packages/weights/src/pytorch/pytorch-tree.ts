import { CheckpointError } from '@harmonica/core';
import { nearestNames } from '../weight-source.js';
import { StridedTensor } from './pytorch-content.js';

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
    const fix = 'Save it in a dict.';
    throw new CheckpointError({ path, problem: 'a bare tensor, without a name', fix });
  }
  if (tensors.has(key)) {
    throw new CheckpointError({ path, key, problem: 'two tensors have this dotted name' });
  }
  tensors.set(key, value);
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

import {
  CheckpointError,
  createRng,
  NonFiniteError,
  throwIfAborted,
  type WeightSource,
} from '@harmonica/core';
import type { Layout, Parameter, StoredTensor } from './parameter.js';
import { unwrapSource } from './unwrap-source.js';
import { type ModelParts, Weights } from './weights.js';

/** What to load, and how. */
export interface LoadModelOptions<C> extends LoadOptions {
  readonly config: C;
}

/** A model of random weights. */
export interface RandomModelOptions<C> {
  readonly config: C;
  /** Integer in [0, 2^53). */
  readonly seed: number;
}

/** How a model is made of its configuration and weights. */
export interface Blueprint<C, Model> {
  /** @throws {@link InvalidArgumentError} naming the first field that no such model can have */
  assertConfig(config: C): void;
  /** What the weights belong to, for error messages. */
  owner(config: C): string;
  /** The layouts that a checkpoint may have, the official one first. */
  layouts(config: C): readonly [Layout, ...Layout[]];
  /** The model owns its weights from here on. */
  create(parts: ModelParts<C>): Model;
  /** @throws {@link CheckpointError} if what a file holds beside the weights is of another model */
  assertStored?(config: C, source: WeightSource): Promise<void>;
}

/**
 * A model with the weights of a checkpoint: reads every parameter, one at a time, after checking all names and shapes. Of
 * the layouts of the blueprint the file is held to the one that it has most names of. Names may be wrapped: {@link unwrapSource}.
 *
 * @throws as the parts of the blueprint do
 * @throws {@link CheckpointError} naming each tensor that is missing, unknown or of another shape, or one that differs
 *   from what it should repeat
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export async function loadModel<C, Model>(
  blueprint: Blueprint<C, Model>,
  options: LoadModelOptions<C>,
): Promise<Model> {
  const { config, onProgress, signal } = options;
  blueprint.assertConfig(config);
  const owner = blueprint.owner(config);
  const layouts = blueprint.layouts(config);
  const source = unwrapped(blueprint, config, options.source);
  const layout = layouts.reduce((best, other) =>
    namesFound(other, source) > namesFound(best, source) ? other : best,
  );
  const { parameters } = layout;
  const stored = matchParameters({ owner, source, layout });
  const weights = new Weights(owner);
  try {
    for (const [index, parameter] of parameters.entries()) {
      throwIfAborted(signal, `Loading ${owner}`);
      weights.setStored(parameter, await readParameter({ source, parameter, stored }));
      onProgress?.({ loaded: index + 1, total: parameters.length, name: parameter.name });
    }
    await blueprint.assertStored?.(config, source);
    return blueprint.create({ config, weights });
  } catch (error) {
    weights.dispose();
    throw error;
  }
}

/** The checkpoint as {@link loadModel} reads it. @throws as {@link unwrapSource} */
export function unwrapped<C, Model>(
  blueprint: Blueprint<C, Model>,
  config: C,
  source: WeightSource,
): WeightSource {
  return unwrapSource({
    source,
    owner: blueprint.owner(config),
    layouts: blueprint.layouts(config),
  });
}

/**
 * A model whose weights are all random, the zero-initialised ones included, so that every part has an effect: independent
 * normal values, parameter number i drawn from stream i of the seed.
 *
 * @throws {@link InvalidArgumentError} if there is no such model
 */
export function randomModel<C, Model>(
  blueprint: Blueprint<C, Model>,
  { config, seed }: RandomModelOptions<C>,
): Model {
  blueprint.assertConfig(config);
  const [{ parameters }] = blueprint.layouts(config);
  const weights = new Weights(blueprint.owner(config));
  for (const [stream, { name, shape, random }] of parameters.entries()) {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    createRng({ seed, stream }).fillNormal(values);
    const scaled = values.map((value) => random.mean + random.std * value);
    weights.set(name, scaled, shape);
  }
  return blueprint.create({ config, weights });
}

/** How far loading has come. */
export interface LoadProgress {
  /** Parameters loaded so far, `name` the last of them. */
  readonly loaded: number;
  readonly total: number;
  readonly name: string;
}

/** Options that every loader of this package takes. */
export interface LoadOptions {
  /** Not closed. */
  readonly source: WeightSource;
  /** Called after each tensor. */
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

const MOST_LISTED = 20;

/** Reads one tensor and refuses NaN and infinity. */
export async function readFinite(source: WeightSource, name: string): Promise<Float32Array> {
  const values = await source.read(name);
  if (!values.every(Number.isFinite)) {
    throw new NonFiniteError({
      site: `${name} of ${source.path}`,
      fix: 'The file is damaged or its training diverged; get another one.',
    });
  }
  return values;
}

/** The name under which the file holds each tensor. */
type StoredNames = ReadonlyMap<StoredTensor, string>;

interface ReadOptions {
  readonly source: WeightSource;
  readonly parameter: Parameter;
  readonly stored: StoredNames;
}

/** What a parameter is stored in, joined. */
async function readParameter({ source, parameter, stored }: ReadOptions): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (const tensor of parameter.stored) {
    const name = stored.get(tensor) as string;
    const values = await readFinite(source, name);
    for (const copy of tensor.copies) await assertCopy({ source, name, values, copy });
    parts.push(values);
  }
  const [first] = parts;
  return parts.length === 1 && first ? first : joined(parts);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let start = 0;
  for (const part of parts) {
    all.set(part, start);
    start += part.length;
  }
  return all;
}

interface AssertCopyOptions {
  readonly source: WeightSource;
  readonly name: string;
  readonly values: Float32Array;
  readonly copy: string;
}

async function assertCopy({ source, name, values, copy }: AssertCopyOptions): Promise<void> {
  if (!source.names.includes(copy)) return;
  const repeated = await source.read(copy);
  const equal = repeated.length === values.length && values.every((v, i) => v === repeated[i]);
  if (equal) return;
  throw new CheckpointError({
    path: source.path,
    key: copy,
    problem: `differs from ${name}, which it should repeat`,
    fix: 'This model has one such tensor for all blocks; a file in which they differ cannot be loaded.',
  });
}

function namesFound({ parameters }: Layout, source: WeightSource): number {
  const names = new Set(source.names);
  const tensors = parameters.flatMap(({ stored }) => stored);
  return tensors.filter((tensor) => tensor.names.some((name) => names.has(name))).length;
}

interface MatchOptions {
  readonly owner: string;
  readonly source: WeightSource;
  readonly layout: Layout;
}

function matchParameters({ owner, source, layout }: MatchOptions): StoredNames {
  const { parameters, extras = [] } = layout;
  const tensors = parameters.flatMap(({ stored }) => stored);
  const unknown = new Set(source.names);
  for (const name of [...extras, ...tensors.flatMap(({ copies }) => copies)]) unknown.delete(name);
  const stored = new Map<StoredTensor, string>();
  const faults: Fault[] = [];
  for (const tensor of tensors) {
    const name = tensor.names.find((candidate) => unknown.has(candidate));
    const fault = name === undefined ? 'is missing' : shapeFault(source, tensor, name);
    if (fault) faults.push({ name: name ?? (tensor.names[0] as string), fault });
    if (name === undefined) continue;
    stored.set(tensor, name);
    unknown.delete(name);
  }
  for (const name of unknown) faults.push({ name, fault: `is not a parameter of ${owner}` });
  if (faults.length > 0) throw misfit(source.path, owner, faults);
  return stored;
}

interface Fault {
  readonly name: string;
  readonly fault: string;
}

function shapeFault(source: WeightSource, tensor: StoredTensor, name: string): string | undefined {
  const actual = source.info(name).shape.join(', ');
  const accepted = tensor.shapes.map((shape) => shape.join(', '));
  if (accepted.includes(actual)) return undefined;
  return `has shape [${actual}] where [${accepted.join('] or [')}] is expected`;
}

function misfit(path: string, owner: string, faults: readonly Fault[]): CheckpointError {
  const listed = faults.slice(0, MOST_LISTED).map(({ name, fault }) => `${name} ${fault}`);
  const rest = faults.length - listed.length;
  const [first] = faults;
  return new CheckpointError({
    path,
    problem: `${listed.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`,
    ...(first && { key: first.name }),
    fix: `Check that the file is a checkpoint of ${owner} and that the configuration is the one it was trained with.`,
  });
}

import {
  CheckpointError,
  NonFiniteError,
  throwIfAborted,
  type WeightSource,
} from '@harmonica/core';
import type { Parameter } from './parameter.js';
import { Weights } from './weights.js';

/** How far loading has come. */
export interface LoadProgress {
  /** Tensors loaded so far, `name` the last of them. */
  readonly loaded: number;
  readonly total: number;
  readonly name: string;
}

/** Options that every loader of this package takes. */
export interface LoadOptions {
  /** Not closed. */
  readonly source: WeightSource;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
}

export interface LoadWeightsOptions extends LoadOptions {
  /** What the weights belong to, for error messages. */
  readonly owner: string;
  readonly parameters: readonly Parameter[];
  /** Names that may stand in the file without being parameters. */
  readonly extras?: readonly string[];
}

const MOST_LISTED = 20;

/**
 * Reads every parameter, one at a time, after checking all names and shapes.
 *
 * @throws {@link CheckpointError} naming each tensor that is missing, unknown or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export async function loadWeights(options: LoadWeightsOptions): Promise<Weights> {
  const { owner, source, parameters, extras = [], onProgress, signal } = options;
  const stored = matchParameters({ owner, source, parameters, extras });
  const weights = new Weights(owner);
  try {
    for (const [index, parameter] of parameters.entries()) {
      throwIfAborted(signal, `Loading ${owner}`);
      const name = stored.get(parameter) as string;
      weights.setStored(parameter, await readFinite(source, name));
      onProgress?.({ loaded: index + 1, total: parameters.length, name });
    }
  } catch (error) {
    weights.dispose();
    throw error;
  }
  return weights;
}

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

interface MatchOptions {
  readonly owner: string;
  readonly source: WeightSource;
  readonly parameters: readonly Parameter[];
  readonly extras: readonly string[];
}

/** The stored name of every parameter. */
function matchParameters({ owner, source, parameters, extras }: MatchOptions) {
  const unknown = new Set(source.names);
  for (const name of extras) unknown.delete(name);
  const stored = new Map<Parameter, string>();
  const faults: Fault[] = [];
  for (const parameter of parameters) {
    const name = [parameter.name, ...parameter.aliases].find((candidate) => unknown.has(candidate));
    const fault = name === undefined ? 'is missing' : shapeFault(source, parameter, name);
    if (fault) faults.push({ name: name ?? parameter.name, fault });
    if (name === undefined) continue;
    stored.set(parameter, name);
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

function shapeFault(source: WeightSource, parameter: Parameter, name: string): string | undefined {
  const actual = source.info(name).shape.join(', ');
  const accepted = parameter.storedShapes.map((shape) => shape.join(', '));
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

import type { NamedTensors, Stream } from '@harmonica/core';
import type { GraphValue } from './graph.js';
import type { TensorRecord, TensorSpec } from './trace-function.js';

/** Names, shapes and types of the tensors of a stream. */
export interface StreamLayout {
  readonly state: Readonly<Record<string, TensorSpec>>;
  readonly context: Readonly<Record<string, TensorSpec>>;
}

/** `{ a }` as `{ 'group.a' }`: graphs have one flat list of inputs. */
export function prefixed<T>(group: string, values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${group}.${name}`, value]),
  );
}

/** The entries of one group, under their own names. */
export function unprefixed<T>(
  group: string,
  values: Readonly<Record<string, T>>,
): Record<string, T> {
  const prefix = `${group}.`;
  return Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

/** The stream as inputs of a graph. */
export function streamInputs({ state, context }: StreamLayout): Record<string, TensorSpec> {
  return { ...prefixed('state', state), ...prefixed('context', context) };
}

/** The stream among the inputs of a traced function. */
export function streamOf(inputs: TensorRecord): Stream {
  return { state: unprefixed('state', inputs), context: unprefixed('context', inputs) };
}

/** Whether the executor holds what has this name in a graph: streams and gradients, but not the history of a branch. */
export function isHeldName(name: string): boolean {
  return ['state', 'context', 'upstream', 'gradient'].some((group) => name.startsWith(`${group}.`));
}

/** What a traced `begin` says about the stream it makes. */
export function layoutOf(outputs: readonly GraphValue[]): StreamLayout {
  const specs = Object.fromEntries(
    outputs.map(({ name, shape, dtype }) => [name, { shape, dtype } as TensorSpec]),
  );
  return { state: unprefixed('state', specs), context: unprefixed('context', specs) };
}

/** A stream as results of a traced function. */
export function streamOutputs({ state, context }: Stream): NamedTensors {
  return { ...prefixed('state', state), ...prefixed('context', context) };
}

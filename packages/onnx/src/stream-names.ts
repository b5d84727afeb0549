import type { GraphValue } from './graph.js';
import type { TensorSpec } from './trace-function.js';

/** Names, shapes and types of the tensors of a stream. */
export type StreamLayout = StreamGroups<TensorSpec>;

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

/** Entries for the tensors of a stream, by group. */
interface StreamGroups<T> {
  readonly state: Readonly<Record<string, T>>;
  readonly context: Readonly<Record<string, T>>;
}

/** What a stream has, as inputs or results of a graph. */
export function flatStream<T>({ state, context }: StreamGroups<T>): Record<string, T> {
  return { ...prefixed('state', state), ...prefixed('context', context) };
}

/** What a stream has, among the inputs or results of a graph. */
export function streamOf<T>(values: Readonly<Record<string, T>>): StreamGroups<T> {
  return { state: unprefixed('state', values), context: unprefixed('context', values) };
}

/** Whether the executor holds what has this name in a graph: streams and gradients, but not the history of a branch. */
export function isHeldName(name: string): boolean {
  return ['state', 'context', 'upstream', 'gradient'].some((group) => name.startsWith(`${group}.`));
}

/** What a traced `begin` says about the stream it makes. */
export function layoutOf(outputs: readonly GraphValue[]): StreamLayout {
  const specs = outputs.map(({ name, shape, dtype }) => [name, { shape, dtype } as TensorSpec]);
  return streamOf<TensorSpec>(Object.fromEntries(specs));
}

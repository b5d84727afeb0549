import type { NamedTensors } from '@harmonica/core';
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * The long skips of a U-shaped network in the state of a stream: `skip.0` is the latest, `skip.<count - 1>` the oldest.
 * A stack that is not full holds what it was made with, or what was read before; nothing depends on either.
 */
export type SkipStack = NamedTensors;

/** A stack of `count` entries that hold `placeholder`. */
export function skipStack(placeholder: Tensor, count: number): SkipStack {
  return named(Array.from({ length: count }, () => placeholder));
}

/** The stack with `x` as its latest entry and without its oldest. */
export function pushSkip(state: NamedTensors, x: Tensor): SkipStack {
  return named([x, ...entriesOf(state).slice(0, -1)]);
}

/** The latest entry, and the stack without it. */
export function popSkip(state: NamedTensors): { skips: SkipStack; latest: Tensor } {
  const entries = entriesOf(state);
  const [latest, ...others] = entries;
  return { latest: latest as Tensor, skips: named([...others, entries.at(-1) as Tensor]) };
}

/** The entries of the stack in a state, latest first. */
function entriesOf(state: NamedTensors): Tensor[] {
  const count = Object.keys(state).filter((name) => name.startsWith('skip.')).length;
  return Array.from({ length: count }, (_, i) => state[`skip.${i}`] as Tensor);
}

function named(entries: readonly Tensor[]): SkipStack {
  return Object.fromEntries(entries.map((entry, i) => [`skip.${i}`, entry]));
}

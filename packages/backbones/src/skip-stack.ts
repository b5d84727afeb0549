import type { NamedTensors } from '@harmonica/core';
import { add, mul, sum, type Tensor } from '@tensorflow/tfjs-core';

/**
 * The long skips of a U-shaped network in the state of a stream: `skip.0` is the latest, `skip.<count - 1>` the oldest.
 * A stack that is not full holds what it was made with, or what was read before; nothing depends on either.
 */
export type SkipStack = NamedTensors;

/** A stack of `count` entries that hold `placeholder`. */
export function skipStack(placeholder: Tensor, count: number): SkipStack {
  return named(Array.from({ length: count }, () => placeholder));
}

/** The stack with `x` as its latest entry, and its oldest entry, which it had to give up. */
export function pushSkip(state: NamedTensors, x: Tensor): { skips: SkipStack; dropped: Tensor } {
  const entries = entriesOf(state);
  const dropped = entries.at(-1) as Tensor;
  return { skips: named([x, ...entries.slice(0, -1)]), dropped };
}

/** The latest entry, and the stack without it. */
export function popSkip(state: NamedTensors): { skips: SkipStack; latest: Tensor } {
  const entries = entriesOf(state);
  const [latest, ...others] = entries;
  return { latest: latest as Tensor, skips: named([...others, entries.at(-1) as Tensor]) };
}

/** The entries of the stack in a state, latest first. */
export function entriesOf(state: NamedTensors): Tensor[] {
  const count = Object.keys(state).filter((name) => name.startsWith('skip.')).length;
  return Array.from({ length: count }, (_, i) => state[`skip.${i}`] as Tensor);
}

/**
 * `x`, and formally a function of other tensors too: engines differentiate by the whole state of a stream, and
 * TensorFlow.js refuses to differentiate by a tensor that it finds no use of.
 *
 * @param x `[B, L, D]`
 * @param others each `[B, ?, ?]`
 */
export function withUnused(x: Tensor, others: readonly Tensor[]): Tensor {
  if (others.length === 0) return x;
  const sums = others.map((other) => sum(other, [1, 2], true));
  return add(
    x,
    mul(
      sums.reduce((a, b) => add(a, b)),
      0,
    ),
  );
}

function named(entries: readonly Tensor[]): SkipStack {
  return Object.fromEntries(entries.map((entry, i) => [`skip.${i}`, entry]));
}

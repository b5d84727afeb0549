import { CheckpointError } from '@harmonica/core';
import { PickleGlobal } from './pickle-global.js';

/** Bounds on what a pickle may ask for; a checkpoint of some thousand tensors stays far below them. */
export interface PickleLimits {
  /** Values on the stack at a time. */
  readonly stack: number;
  /** Values kept for later reference. */
  readonly memo: number;
  /** Instructions in all. */
  readonly operations: number;
}

export const defaultPickleLimits: PickleLimits = {
  stack: 2 ** 20,
  memo: 2 ** 21,
  operations: 2 ** 23,
};

/** Stack, marks and memo of the pickle virtual machine (PEP 307, PEP 3154), with bounds. */
export class PickleMachine {
  readonly path: string;
  readonly #limits: PickleLimits;
  readonly #stack: unknown[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();
  /** Who made an object, for those whose attributes may be restored. */
  readonly #makers = new WeakMap<object, PickleGlobal>();
  #operations = 0;

  constructor(options: { path: string; limits: PickleLimits }) {
    this.path = options.path;
    this.#limits = options.limits;
  }

  countOperation(): void {
    this.#operations++;
    this.#limit('operations', this.#operations);
  }

  push(value: unknown): void {
    this.#stack.push(value);
    this.#limit('stack', this.#stack.length);
  }

  pop(): unknown {
    const value = this.top();
    this.#stack.length--;
    return value;
  }

  top(): unknown {
    const floor = this.#marks.at(-1) ?? 0;
    if (this.#stack.length <= floor) throw this.fault('takes a value from an empty stack');
    return this.#stack.at(-1);
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
    this.#limit('stack', this.#marks.length);
  }

  /** Values above the last mark, in order; removes both. */
  popToMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.fault('has no mark where one is due');
    return this.#stack.splice(mark);
  }

  /** Drops the top value, or the last mark if nothing is above it. */
  drop(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  /** Keeps the top value under an index, by default the next one. */
  memoize(index = this.#memo.size): void {
    this.#memo.set(index, this.top());
    this.#limit('memo', this.#memo.size);
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw this.fault(`refers to value ${index}, which it never kept`);
    this.push(this.#memo.get(index));
  }

  /** Calls an allowed global with a tuple of arguments. */
  call(callee: unknown, args: unknown): unknown {
    if (!(callee instanceof PickleGlobal && callee.call && Array.isArray(args))) {
      throw this.fault('calls what is no function');
    }
    const result = callee.call(args);
    if (callee.setState && typeof result === 'object' && result !== null) {
      this.#makers.set(result, callee);
    }
    return result;
  }

  /** Restores attributes of an object. */
  setState(object: unknown, state: unknown): void {
    const maker = typeof object === 'object' && object ? this.#makers.get(object) : undefined;
    if (!maker?.setState) throw this.fault('sets attributes of an object that has none');
    maker.setState(object, state);
  }

  asList(value: unknown): unknown[] {
    if (Array.isArray(value)) return value;
    throw this.fault('appends to what is no list');
  }

  asDict(value: unknown): Map<unknown, unknown> {
    if (value instanceof Map) return value;
    throw this.fault('sets an item of what is no dict');
  }

  asSet(value: unknown): Set<unknown> {
    if (value instanceof Set) return value;
    throw this.fault('adds to what is no set');
  }

  asText(value: unknown): string {
    if (typeof value === 'string') return value;
    throw this.fault('has another value where a name is due');
  }

  /** Keys and values alternate in `items`. */
  setItems(dict: Map<unknown, unknown>, items: readonly unknown[]): void {
    if (items.length % 2 !== 0) throw this.fault('has a key without a value');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  fault(problem: string): CheckpointError {
    return new CheckpointError({
      path: this.path,
      problem: `the pickle ${problem}`,
      fix: 'The file is damaged or not a PyTorch checkpoint; get it again.',
    });
  }

  #limit(what: keyof PickleLimits, count: number): void {
    const limit = this.#limits[what];
    if (count <= limit) return;
    throw new CheckpointError({
      path: this.path,
      problem: `the pickle needs more than ${limit} entries of ${what}`,
      fix: 'No ordinary checkpoint does; do not trust this file.',
    });
  }
}

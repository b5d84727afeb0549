import type { Executor, ValueHandle } from '@harmonica/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Watch } from './dynamic-policy.js';
import { relativeChange } from './relative-change.js';

/** Measures how the watched outputs of a run change. Owns the copies that it compares with. @internal */
export interface ChangeMeter {
  /** Their change in this step; none as long as there is nothing to compare with. Handles are borrowed. */
  measure(outputs: readonly ValueHandle[]): Promise<number | undefined>;
  /** Ends a step. */
  settle(step: { readonly isFull: boolean }): void;
  /** Frees everything. */
  clear(): void;
}

/** @internal */
export function createChangeMeter(options: {
  readonly executor: Pick<Executor, 'read'>;
  readonly since: Watch['since'];
}): ChangeMeter {
  const { executor, since } = options;
  let reference: readonly Tensor[] = [];
  let current: Tensor[] = [];
  return {
    async measure(outputs) {
      for (const output of outputs) current.push(await executor.read(output));
      if (reference.length === 0) return undefined;
      return relativeChange(current.map((value, i) => ({ value, base: reference[i] as Tensor })));
    },
    settle({ isFull }) {
      const renews = isFull || since === 'last-step';
      disposeAll(renews ? reference : current);
      if (renews) reference = current;
      current = [];
    },
    clear() {
      disposeAll([...reference, ...current]);
      reference = [];
      current = [];
    },
  };
}

function disposeAll(tensors: readonly Tensor[]): void {
  for (const each of tensors) each.dispose();
}

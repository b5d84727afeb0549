import type { Tensor } from '@tensorflow/tfjs-core';
import type { Watch } from './dynamic-policy.js';
import { relativeChange } from './relative-change.js';

/** Measures how the watched tensor of a run changes. Owns what it is given. @internal */
export interface ChangeMeter {
  /** Its change in this step; none as long as there is nothing to compare with. Takes the tensor over. */
  measure(value: Tensor): Promise<number | undefined>;
  /** Ends a step. */
  settle(step: { readonly isFull: boolean }): void;
  /** Frees everything. */
  clear(): void;
}

/** @internal */
export function createChangeMeter({ since }: Pick<Watch, 'since'>): ChangeMeter {
  let reference: Tensor | undefined;
  let current: Tensor | undefined;
  return {
    async measure(value) {
      current = value;
      return reference && relativeChange([{ value, base: reference }]);
    },
    settle({ isFull }) {
      const renews = isFull || since === 'last-step';
      (renews ? reference : current)?.dispose();
      if (renews) reference = current;
      current = undefined;
    },
    clear() {
      reference?.dispose();
      current?.dispose();
      reference = undefined;
      current = undefined;
    },
  };
}

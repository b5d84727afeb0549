import { InvalidArgumentError, type NamedTensors } from '@harmonica/core';
import { tensor1d } from '@tensorflow/tfjs-core';
import type { DitConfig } from './dit-config.js';
import { LABELS } from './dit-spec.js';

export interface ClassLabelsOptions {
  readonly config: Pick<DitConfig, 'name' | 'numClasses'>;
  /** One class per sample, each in [0, numClasses]; `numClasses` itself is the null class. */
  readonly labels: readonly number[];
}

/**
 * The condition of a class-conditional DiT: `{ labels }`, int32 `[B]`. Engines differ in what they do with a label out
 * of range, so it is refused here.
 *
 * @returns a tensor that the caller disposes
 * @throws {@link InvalidArgumentError} naming the first label that is no class of the model
 */
export function classLabels({ config, labels }: ClassLabelsOptions): NamedTensors {
  for (const [i, label] of labels.entries()) {
    if (!Number.isInteger(label) || label < 0 || label > config.numClasses) {
      throw new InvalidArgumentError({
        argument: `labels[${i}]`,
        value: label,
        expected: `a class of ${config.name}: an integer in [0, ${config.numClasses - 1}], or ${config.numClasses} for the null class`,
      });
    }
  }
  return { [LABELS]: tensor1d([...labels], 'int32') };
}

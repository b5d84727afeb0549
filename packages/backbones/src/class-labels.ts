import { InvalidArgumentError, type NamedTensors } from '@harmonica/core';
import { tensor1d } from '@tensorflow/tfjs-core';
import { LABELS } from './condition-names.js';

export interface ClassLabelsOptions {
  /** Of a DiT, a SiT or a U-ViT. */
  readonly config: {
    readonly name: string;
    readonly numClasses: number;
    /** Whether label `numClasses` is the null class. Default true. */
    readonly nullClass?: boolean;
  };
  /** One class per sample, each in [0, numClasses); and `numClasses` for the null class, if there is one. */
  readonly labels: readonly number[];
}

/**
 * The condition of a class-conditional model: `{ labels }`, int32 `[B]`. Engines differ in what they do with a label out
 * of range, so it is refused here.
 *
 * @returns a tensor that the caller disposes
 * @throws {@link InvalidArgumentError} naming the first label that is no class of the model
 */
export function classLabels({ config, labels }: ClassLabelsOptions): NamedTensors {
  const { name, numClasses, nullClass = true } = config;
  const largest = nullClass ? numClasses : numClasses - 1;
  for (const [i, label] of labels.entries()) {
    if (!Number.isInteger(label) || label < 0 || label > largest) {
      throw new InvalidArgumentError({
        argument: `labels[${i}]`,
        value: label,
        expected: `a class of ${name}: an integer in [0, ${numClasses - 1}]${nullClass ? `, or ${numClasses} for the null class` : ''}`,
      });
    }
  }
  return { [LABELS]: tensor1d([...labels], 'int32') };
}

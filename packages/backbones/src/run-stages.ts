import { type Tensor4D, tidy } from '@tensorflow/tfjs-core';

/** One step of a network. Must not return its input. */
export type Stage = (x: Tensor4D) => Tensor4D;

/**
 * Feeds `x` through the stages in order and frees every intermediate image as soon as the next one stands, which is what
 * bounds the memory of a large decode.
 *
 * @param x not disposed
 * @returns the last stage's output; the caller owns it
 */
export function runStages(x: Tensor4D, stages: readonly Stage[]): Tensor4D {
  return tidy(() =>
    stages.reduce((current, stage) => {
      const next = tidy(() => stage(current));
      if (current !== x) current.dispose();
      return next;
    }, x),
  );
}

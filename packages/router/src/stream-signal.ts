import { type Executor, linearCombination, type StreamHandle } from '@harmonica/core';
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * What branches add to the tokens of a stream, gates included: `tokens(after) - tokens(before)`.
 *
 * @returns `[B, L, D]` on the current TensorFlow.js backend; the caller disposes it
 */
export async function readResidual(options: {
  readonly executor: Pick<Executor, 'readStream'>;
  readonly before: StreamHandle;
  readonly after: StreamHandle;
}): Promise<Tensor> {
  const { executor, before, after } = options;
  const start = await executor.readStream(before);
  try {
    const end = await executor.readStream(after);
    try {
      return linearCombination([1, end], [-1, start]);
    } finally {
      end.dispose();
    }
  } finally {
    start.dispose();
  }
}

import { type Executor, javascriptValues, type StreamHandle } from '@harmonica/core';
import { sub, type Tensor, tensor } from '@tensorflow/tfjs-core';

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
      return difference(end, start);
    } finally {
      end.dispose();
    }
  } finally {
    start.dispose();
  }
}

function difference(a: Tensor, b: Tensor): Tensor {
  const values = javascriptValues(a, b);
  if (!values) return sub(a, b);
  const [x, y] = values as [Float32Array, Float32Array];
  const result = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) result[i] = (x[i] as number) - (y[i] as number);
  return tensor(result, a.shape);
}

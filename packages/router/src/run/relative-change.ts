import {
  type Executor,
  javascriptValues,
  linearCombination,
  type StreamHandle,
} from '@harmonica/core';
import { abs, sub, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** Tensors of one shape. Not disposed. */
interface Pair {
  readonly value: Tensor;
  readonly base: Tensor;
}

/** `sum |value - base|` and `sum |base|`. */
interface Change {
  readonly distance: number;
  readonly size: number;
}

/**
 * Relative L1 distance of tensors of one shape: `sum |value - base| / sum |base|`. Equal tensors have distance 0, zeros
 * among them.
 *
 * @returns at least 0; infinite if only `base` is all zeros.
 */
export async function relativeChange(value: Tensor, base: Tensor): Promise<number> {
  const pair = { value, base };
  const { distance, size } = changeInPlace(pair) ?? (await changeByOps(pair));
  return distance === 0 ? 0 : distance / size;
}

/** In one loop, with the roundings of the ops; undefined where the values are not in JavaScript. */
function changeInPlace({ value, base }: Pair): Change | undefined {
  const values = javascriptValues(value, base);
  if (!values) return undefined;
  const [now, then] = values as [Float32Array, Float32Array];
  let distance = 0;
  let size = 0;
  for (let i = 0; i < now.length; i++) {
    const before = then[i] as number;
    distance += Math.abs(Math.fround((now[i] as number) - before));
    size += Math.abs(before);
  }
  return { distance: Math.fround(distance), size: Math.fround(size) };
}

async function changeByOps({ value, base }: Pair): Promise<Change> {
  const parts = tidy(() => ({ distance: sum(abs(sub(value, base))), size: sum(abs(base)) }));
  return { distance: await read(parts.distance), size: await read(parts.size) };
}

async function read(scalar: Tensor): Promise<number> {
  const [value] = await scalar.data();
  scalar.dispose();
  return value as number;
}

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

import { DisposedError, type StreamHandle, type ValueHandle } from '@harmonica/core';
import type { HistorySlabs } from './history-slabs.js';
import { bytesOf, type PooledTensor, type TensorPool } from './tensor-pool.js';

export type PooledTensors = Readonly<Record<string, PooledTensor>>;

/** What all streams of one step share. */
interface StepContext {
  readonly tensors: PooledTensors;
  readonly batch: number;
  users: number;
}

export interface HeldStream {
  readonly state: PooledTensors;
  readonly context: StepContext;
}

/** A branch output has one tensor named `output`; a gradient has one for each tensor of the state. */
interface HeldValue {
  readonly tensors: PooledTensors;
  readonly sizeBytes: number;
}

/** The streams and values that callers hold. Gives their memory back when they are released. */
export class HandleTable {
  readonly #live = new Set<object>();
  readonly #pool: TensorPool;
  readonly #slabs: HistorySlabs;

  constructor(pool: TensorPool, slabs: HistorySlabs) {
    this.#pool = pool;
    this.#slabs = slabs;
  }

  get size(): number {
    return this.#live.size;
  }

  /** Takes over one use of each tensor of the state, and one of the context. */
  holdStream(state: PooledTensors, context: StepContext): StreamHandle {
    context.users += 1;
    const stream: HeldStream = { state, context };
    this.#live.add(stream);
    return stream as unknown as StreamHandle;
  }

  /** Takes over one use of each tensor. */
  holdValue(tensors: PooledTensors): ValueHandle {
    const sizeBytes = Object.values(tensors).reduce(
      (total, { tensor, dtype }) => total + tensor.size * bytesOf(dtype),
      0,
    );
    const value: HeldValue = { tensors, sizeBytes };
    this.#live.add(value);
    return value as unknown as ValueHandle;
  }

  stream(handle: StreamHandle): HeldStream {
    return this.#held(handle) as HeldStream;
  }

  value(handle: ValueHandle): HeldValue {
    return this.#held(handle) as HeldValue;
  }

  release(handle: StreamHandle | ValueHandle): void {
    if (!this.#live.delete(handle)) return;
    const held = handle as unknown as HeldStream | HeldValue;
    if ('tensors' in held) {
      this.free(held.tensors);
      return;
    }
    this.free(held.state);
    held.context.users -= 1;
    if (held.context.users === 0) this.free(held.context.tensors);
  }

  releaseAll(): void {
    for (const handle of this.#live) this.release(handle as StreamHandle | ValueHandle);
  }

  /** One more use of each tensor. */
  retain(tensors: PooledTensors): PooledTensors {
    for (const tensor of Object.values(tensors)) tensor.users += 1;
    return tensors;
  }

  /** Lets go of one use of each tensor. */
  free(tensors: PooledTensors): void {
    for (const tensor of Object.values(tensors)) {
      if (!this.#slabs.release(tensor)) this.#pool.release(tensor);
    }
  }

  #held(handle: object): unknown {
    if (!this.#live.has(handle)) throw new DisposedError('A stream or value of the onnx executor');
    return handle;
  }
}

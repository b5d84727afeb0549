import {
  type BranchAction,
  DisposedError,
  EngineError,
  type Executor,
  type StreamHandle,
  UnsupportedError,
  type ValueHandle,
} from '@harmonica/core';
import { branchesOf, specOf } from './branches.js';

/** A branch of the fake model: any function of what flows in, the branch and the step's time. */
export const branchOutput = (x: number, branch: number, time: number) =>
  Math.sin(x + branch) + 0.1 * time;

/** The fake model's gate: depends on the step, as adaLN gates do. */
export const gate = (branch: number, time: number) => 0.3 + 0.05 * branch - 0.02 * time;

interface FakeStream {
  readonly x: number;
  readonly time: number;
}

interface FakeValue {
  readonly value: number;
  readonly sizeBytes: number;
}

/** An executor whose tensors are numbers, and which refuses every use of a handle after its release. */
export interface FakeExecutor extends Executor {
  /** Starts a stream without a tensor. */
  start(x: number, time: number): StreamHandle;
  xOf(stream: StreamHandle): number;
  /** Most branch outputs alive at once so far. */
  readonly peakValues: number;
  /** The actions of each call of `advance`. */
  readonly calls: readonly (readonly BranchAction[])[];
  /** Called at each `advance`, before its work; may throw or wait. */
  onAdvance: () => void | Promise<void>;
}

export function createFakeExecutor(branches = branchesOf(2)): FakeExecutor {
  const live = new Set<object>();
  const calls: (readonly BranchAction[])[] = [];
  let peakValues = 0;
  const adopt = <T extends object>(handle: T): T => {
    live.add(handle);
    const values = [...live].filter((held) => 'value' in held).length;
    peakValues = Math.max(peakValues, values);
    return handle;
  };
  const held = <T>(handle: object): T => {
    if (!live.has(handle)) throw new DisposedError('A handle of the fake executor');
    return handle as T;
  };
  const unsupported = (feature: string) => async () => {
    throw new UnsupportedError({ feature, engine: 'fake' });
  };

  const joined = (stream: FakeStream, action: BranchAction): number => {
    if (action.score === 1) return branchOutput(stream.x, action.branch, stream.time);
    if (action.score !== 0 || action.history.length === 0) {
      throw new EngineError({ engine: 'fake', operation: 'prediction from nothing' });
    }
    return action.history.reduce(
      (sum, handle, j) => sum + (action.coefficients[j] as number) * held<FakeValue>(handle).value,
      0,
    );
  };

  const executor: FakeExecutor = {
    spec: specOf(branches),
    engine: 'fake',
    calls,
    onAdvance: () => undefined,
    start: (x, time) => adopt({ x, time }) as unknown as StreamHandle,
    xOf: (stream) => held<FakeStream>(stream).x,
    begin: unsupported('begin'),
    end: unsupported('end'),
    endVjp: unsupported('gradients'),
    vjp: unsupported('gradients'),
    read: unsupported('read'),
    readStream: unsupported('read'),
    async advance(handle, actions) {
      await executor.onAdvance();
      calls.push(actions);
      let stream = held<FakeStream>(handle);
      const kept = actions.map((action) => {
        const value = joined(stream, action);
        const x = stream.x + gate(action.branch, stream.time) * value;
        stream = { x, time: stream.time };
        return action.keep ? { value, sizeBytes: 4 } : undefined;
      });
      const outputs = kept.map((output) => output && (adopt(output) as unknown as ValueHandle));
      return { stream: adopt({ ...stream }) as unknown as StreamHandle, outputs };
    },
    release(...handles) {
      for (const handle of handles) {
        held(handle);
        live.delete(handle);
      }
    },
    get peakValues() {
      return peakValues;
    },
    get liveHandles() {
      return live.size;
    },
    dispose: async () => live.clear(),
  };
  return executor;
}

import {
  add,
  dispose,
  fill,
  keep,
  mul,
  scalar,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor3D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import type { Backbone, Branch, NamedTensors, Stream } from './backbone.js';
import { assertArgument } from './checks.js';
import { DisposedError } from './errors.js';
import type {
  AdvanceResult,
  BeginInput,
  BranchAction,
  BranchVjp,
  Executor,
  StreamHandle,
  ValueHandle,
} from './executor.js';
import { ensureGradients, gradientsOf } from './gradients.js';

/** Context tensors are shared by every stream of a step and freed with the last of them. */
interface Context {
  readonly tensors: NamedTensors;
  users: number;
}

interface EagerStream {
  readonly state: NamedTensors;
  readonly context: Context;
}

/** A branch output has one tensor named `output`; a gradient has one for each tensor of the state. */
interface EagerValue {
  readonly tensors: NamedTensors;
  readonly sizeBytes: number;
}

const OUTPUT = 'output';

/**
 * Runs a backbone op by op on the current TensorFlow.js backend: the reference that compiled engines are held to, and
 * the engine for backends that have no compiler. The event loop turns before each model call. Does not own the backbone.
 */
export function createEagerExecutor(backbone: Backbone, engine = 'tfjs'): Executor {
  const { spec } = backbone;
  const live = new Set<object>();
  let disposed = false;

  const adopt = <T extends object>(handle: T): T => {
    live.add(handle);
    return handle;
  };
  const heldStream = (handle: StreamHandle): EagerStream =>
    checked(handle) as unknown as EagerStream;
  const heldValue = (handle: ValueHandle): EagerValue => checked(handle) as unknown as EagerValue;
  const checked = (handle: object): object => {
    if (disposed) throw new DisposedError('The eager executor');
    if (!live.has(handle)) throw new DisposedError('A stream or value of the eager executor');
    return handle;
  };
  const newStream = (state: NamedTensors, context: Context): EagerStream => {
    context.users += 1;
    return adopt({ state, context });
  };
  const newValue = (tensors: NamedTensors): ValueHandle =>
    adopt({ tensors, sizeBytes: sizeOf(tensors) }) as unknown as ValueHandle;
  const asStream = ({ state, context }: EagerStream): Stream => ({
    state,
    context: context.tensors,
  });
  const predicted = ({ history, coefficients }: BranchAction): Tensor => {
    const terms = history.map((h, j) =>
      mul(heldValue(h).tensors[OUTPUT] as Tensor, coefficients[j] ?? 0),
    );
    return terms.reduce((a, b) => add(a, b));
  };

  /** One branch, inside a tidy: the joined output and the state after it. */
  const apply = (stream: EagerStream, action: BranchAction) => {
    const branch = branchOfAction(spec.branches, action);
    const output =
      action.score === 1
        ? backbone.compute(branch, asStream(stream))
        : action.score === 0
          ? predicted(action)
          : add(
              mul(backbone.compute(branch, asStream(stream)), action.score),
              mul(predicted(action), 1 - action.score),
            );
    return { output, state: backbone.merge(branch, asStream(stream), output) };
  };

  const release = (handle: StreamHandle | ValueHandle): void => {
    if (!live.delete(handle)) return;
    if ('tensors' in handle) {
      dispose((handle as unknown as EagerValue).tensors as Record<string, Tensor>);
      return;
    }
    const { state, context } = handle as unknown as EagerStream;
    dispose(state as Record<string, Tensor>);
    context.users -= 1;
    if (context.users === 0) dispose(context.tensors as Record<string, Tensor>);
  };

  return {
    spec,
    engine,

    async begin({ latent, time, condition }: BeginInput): Promise<StreamHandle> {
      // Engines in JavaScript would keep the event loop from the first call to the last, deaf to every abort.
      await turnEventLoop();
      if (disposed) throw new DisposedError('The eager executor');
      const stream = scoped(() => {
        const times: Tensor1D = fill([latent.shape[0]], time);
        return detach(backbone.begin(latent, times, condition));
      });
      const context = { tensors: stream.context, users: 0 };
      return newStream(stream.state, context) as unknown as StreamHandle;
    },

    async advance(handle, actions): Promise<AdvanceResult> {
      let current = heldStream(handle);
      const outputs: (ValueHandle | undefined)[] = [];
      const moveTo = (next: EagerStream): void => {
        if (current !== heldStream(handle)) release(current as unknown as StreamHandle);
        current = next;
      };
      try {
        for (const action of actions) {
          const result = scoped(() => {
            const { output, state } = apply(current, action);
            // Tensors may be shared with the stream before; a clone has an owner of its own.
            const kept = action.keep ? keep(output.clone()) : undefined;
            return { output: kept, state: cloneAll(state) };
          });
          moveTo(newStream(result.state, current.context));
          outputs.push(result.output ? newValue({ [OUTPUT]: result.output }) : undefined);
        }
      } catch (error) {
        moveTo(heldStream(handle));
        for (const output of outputs) if (output) release(output);
        throw error;
      }
      const same = current === heldStream(handle);
      const stream = same ? newStream(cloneAll(current.state), current.context) : current;
      return { stream: stream as unknown as StreamHandle, outputs };
    },

    async end(handle): Promise<Tensor4D> {
      return tidy(() => backbone.end(asStream(heldStream(handle))));
    },

    async endVjp(handle, gradient): Promise<ValueHandle> {
      await ensureGradients();
      const stream = heldStream(handle);
      const names = Object.keys(stream.state);
      const gradients = scoped(() =>
        gradientsOf({
          f: (...tensors) =>
            backbone.end({ state: named(names, tensors), context: stream.context.tensors }),
          at: Object.values(stream.state),
          upstream: gradient,
        }).map((g) => keep(g)),
      );
      return newValue(named(names, gradients));
    },

    async vjp(handle, action, gradient): Promise<BranchVjp> {
      await ensureGradients();
      const stream = heldStream(handle);
      const branch = branchOfAction(spec.branches, action);
      const upstream = heldValue(gradient).tensors;
      const names = Object.keys(stream.state);
      const results = scoped(() => {
        const p = action.history.length > 0 ? predicted(action) : scalar(0);
        const loss = (...args: readonly Tensor[]) => {
          const score = args[names.length] as Tensor;
          const before = { state: named(names, args), context: stream.context.tensors };
          const f = backbone.compute(branch, before);
          const joined = add(mul(f, score), mul(p, sub(1, score)));
          const after = backbone.merge(branch, before, joined);
          return names
            .map((name) => sum(mul(after[name] as Tensor, upstream[name] as Tensor)))
            .reduce((a, b) => add(a, b));
        };
        const at = [...Object.values(stream.state), scalar(action.score)];
        return gradientsOf({ f: loss, at }).map((g) => keep(g));
      });
      const scoreGradient = results.pop() as Tensor;
      const [value] = await scoreGradient.data();
      scoreGradient.dispose();
      return { gradient: newValue(named(names, results)), scoreGradient: value as number };
    },

    async readStream(handle, index): Promise<Tensor3D> {
      const stream = asStream(heldStream(handle));
      if (index === undefined) return (stream.state.tokens as Tensor3D).clone();
      const branch = branchOf(spec.branches, index);
      return tidy(() => backbone.input(branch, stream).clone() as Tensor3D);
    },

    async read(value): Promise<Tensor> {
      return (
        heldValue(value).tensors[OUTPUT] ?? Object.values(heldValue(value).tensors)[0]
      )?.clone() as Tensor;
    },

    release: (...handles) => handles.forEach(release),

    get liveHandles() {
      return live.size;
    },

    async dispose() {
      for (const handle of live) release(handle as StreamHandle | ValueHandle);
      disposed = true;
    },
  };
}

function branchOf(branches: readonly Branch[], index: number): Branch {
  const branch = branches[index];
  assertArgument({ branch: index }, `a branch index in [0, ${branches.length - 1}]`, branch);
  return branch;
}

function branchOfAction(branches: readonly Branch[], action: BranchAction): Branch {
  const branch = branchOf(branches, action.branch);
  assertArgument(
    { 'action.history': action.history },
    `at least one earlier output of branch ${action.branch}, because its score is below 1`,
    action.score >= 1 || action.history.length > 0,
    'Compute every branch at step 0.',
  );
  return branch;
}

/** A tidy whose results are kept tensors in any structure. */
function scoped<T>(run: () => T): T {
  const result: T[] = [];
  tidy(() => {
    result.push(run());
  });
  return result[0] as T;
}

function detach({ state, context }: Stream): Stream {
  return { state: cloneAll(state), context: cloneAll(context) };
}

function cloneAll(tensors: NamedTensors): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, keep(t.clone())]));
}

function named(names: readonly string[], tensors: readonly Tensor[]): NamedTensors {
  return Object.fromEntries(names.map((name, i) => [name, tensors[i] as Tensor]));
}

function sizeOf(tensors: NamedTensors): number {
  return Object.values(tensors).reduce((total, t) => total + t.size * 4, 0);
}

interface Scheduling {
  /** Of Node; browsers have none. */
  readonly setImmediate?: (callback: () => void) => unknown;
}

/** Resolves when the event loop has turned once, so that timers, input and signals have been heard. */
function turnEventLoop(): Promise<void> {
  const { setImmediate: next = (callback) => setTimeout(callback) } = globalThis as Scheduling;
  return new Promise((resolve) => {
    next(resolve);
  });
}

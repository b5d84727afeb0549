import { assertArgument, HarmonicaError, UnsupportedError } from '@harmonica/core';
import {
  type DataType,
  engine,
  getBackend,
  registerBackend,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { type GraphDType, pruneGraph, type TracedGraph } from './graph.js';
import { registerTraceKernels } from './register-kernels.js';
import { TRACE_BACKEND, TRACE_ENGINE, TraceBackend } from './trace-backend.js';

/** Tensors by name, as traced functions take and return them. */
export type TensorRecord = Readonly<Record<string, Tensor>>;

/** Shape and element type of one input of a traced function. `dtype` defaults to `float32`. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype?: Exclude<GraphDType, 'int64'>;
}

/** Options of {@link traceFunction}. */
export interface TraceFunctionOptions {
  /** Runs once, on tensors without values. Synchronous; made of TensorFlow.js ops. */
  readonly fn: (inputs: TensorRecord) => TensorRecord;
  /** In the order that the graph shall have. */
  readonly inputs: Readonly<Record<string, TensorSpec>>;
}

/**
 * Runs a TensorFlow.js function, or its gradient, on a backend that records, and returns the graph. Tensors that the
 * function uses but does not make are the graph's weights; they stay where they are, untouched. Inputs that the
 * results do not depend on are left out. The backend in use before is in use again afterwards, also after an error.
 *
 * @throws {@link UnsupportedError} naming the kernel, if the function uses one that cannot be traced, or reads a value
 * @throws {@link InvalidArgumentError} if the function keeps a tensor that it made
 */
export function traceFunction({ fn, inputs }: TraceFunctionOptions): TracedGraph {
  registerTraceKernels();
  const backend = new TraceBackend();
  return withBackend(backend, () => {
    const outputs = engine().tidy(() => record(backend, fn, inputs));
    const kept = backend.numDataIds();
    assertArgument(
      { fn: `a function that keeps ${kept} tensors` },
      'a pure function: tensors made while tracing have no values to keep',
      kept === 0,
    );
    return pruneGraph(backend.graph.build(outputs));
  });
}

function record(
  backend: TraceBackend,
  fn: TraceFunctionOptions['fn'],
  inputs: TraceFunctionOptions['inputs'],
): Record<string, string> & object {
  const tensors = Object.entries(inputs).map(([name, { shape, dtype = 'float32' }]) => {
    backend.graph.input({ name, shape, dtype });
    const info = backend.wrap(name);
    return [name, engine().makeTensorFromTensorInfo(info, backend)] as const;
  });
  const results = fn(Object.fromEntries(tensors));
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => [name, backend.name(tensor)]),
  );
}

/** Makes `backend` the current one while `run` runs. Everything here is synchronous, so nothing can come between. */
function withBackend<T>(backend: TraceBackend, run: () => T): T {
  const previous = getBackend();
  if (previous === TRACE_BACKEND) {
    throw new UnsupportedError({
      feature: 'tracing within a traced function',
      engine: TRACE_ENGINE,
    });
  }
  registerBackend(TRACE_BACKEND, () => backend);
  // Both calls of setBackend take effect before they return, because the backends are at hand.
  void engine().setBackend(TRACE_BACKEND);
  try {
    return run();
  } catch (error) {
    throw explained(error);
  } finally {
    if (previous) void engine().setBackend(previous);
    engine().removeBackend(TRACE_BACKEND);
  }
}

function explained(error: unknown): unknown {
  if (HarmonicaError.isInstance(error) || !(error instanceof Error)) return error;
  const [, kernel] = /Kernel '(\w+)' not registered/.exec(error.message) ?? [];
  if (!kernel) return error;
  const feature = `the TensorFlow.js kernel ${kernel}`;
  return new UnsupportedError({ feature, engine: TRACE_ENGINE, cause: error });
}

/** The element type of a graph value as TensorFlow.js calls it. */
export function tensorDType(dtype: GraphDType): DataType {
  return dtype === 'int64' ? 'int32' : dtype;
}

import { UnsupportedError } from '@harmonica/core';
import {
  type backend_util,
  type DataType,
  engine,
  KernelBackend,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import { type GraphAttribute, type GraphDType, sizeOf } from './graph.js';
import { GraphBuilder } from './graph-builder.js';

/** The name under which the recording backend is registered while a function is traced. */
export const TRACE_BACKEND = 'harmonica-trace';

export const TRACE_ENGINE = 'onnx tracing';

/** Values known while tracing: one number for all elements, or all of them. */
type Known = { readonly uniform: number } | { readonly values: ArrayLike<number> };

interface Entry {
  readonly content: { readonly name: string } | Known;
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** Tensors that share the storage. */
  references: number;
}

/** What a kernel emits; inputs are tensors or names of graph values. */
interface EmitOptions {
  readonly op: string;
  readonly inputs: readonly (TensorInfo | string)[];
  readonly shape: readonly number[];
  /** Default `float32`. */
  readonly dtype?: DataType;
  readonly attributes?: Readonly<Record<string, GraphAttribute>>;
}

/**
 * A TensorFlow.js backend that computes nothing: its kernels write nodes to `graph`. A tensor is either known (made
 * from numbers) or a value of the graph. Storage that it does not know belongs to another backend: such tensors become
 * weights, and are neither read nor moved.
 */
export class TraceBackend extends KernelBackend {
  readonly graph = new GraphBuilder();
  readonly #entries = new Map<object, Entry>();
  #made: object[] = [];

  /** The graph value that holds a tensor; known tensors become constants, foreign ones weights. */
  name(tensor: TensorInfo | string): string {
    if (typeof tensor === 'string') return tensor;
    const content = this.#entries.get(tensor.dataId)?.content;
    const { shape, dtype } = tensor;
    if (!content) return this.graph.weight(tensor.dataId, shape, graphDType(dtype));
    return 'name' in content ? content.name : this.#constant(content, shape, dtype);
  }

  known(tensor: TensorInfo): Known | undefined {
    const content = this.#entries.get(tensor.dataId)?.content;
    return content && !('name' in content) ? content : undefined;
  }

  /** A tensor that stands for a value of the graph. */
  wrap(name: string): TensorInfo {
    const { shape, dtype } = this.graph.value(name);
    return this.#tensor({ name }, shape, dtype as DataType);
  }

  /** A tensor of numbers that are known now. */
  constant(known: Known, shape: readonly number[], dtype: DataType): TensorInfo {
    return this.#tensor(known, shape, dtype);
  }

  /** The same tensor once more. */
  share(tensor: TensorInfo): TensorInfo {
    const entry = this.#entries.get(tensor.dataId);
    if (!entry) return this.alias(tensor);
    entry.references += 1;
    return { dataId: tensor.dataId, shape: tensor.shape, dtype: tensor.dtype };
  }

  /** The same elements under another shape. */
  alias(tensor: TensorInfo, shape: readonly number[] = tensor.shape): TensorInfo {
    const known = this.known(tensor);
    if (known) return this.#tensor(known, shape, tensor.dtype);
    const name = this.graph.reshape(this.name(tensor), shape);
    return this.#tensor({ name }, shape, tensor.dtype);
  }

  emit({ op, inputs, shape, dtype = 'float32', attributes = {} }: EmitOptions): TensorInfo {
    const names = inputs.map((input) => this.name(input));
    const type = graphDType(dtype);
    return this.wrap(this.graph.node({ op, inputs: names, shape, dtype: type, attributes }));
  }

  /** Runs a kernel, and forgets the tensors it made on the way to its results. */
  scoped<T extends TensorInfo | TensorInfo[]>(kernel: () => T): T {
    const before = this.#made;
    this.#made = [];
    try {
      const results = kernel();
      const kept = new Set([results].flat().map(({ dataId }) => dataId));
      for (const dataId of this.#made) if (!kept.has(dataId)) this.#entries.delete(dataId);
      return results;
    } finally {
      this.#made = before;
    }
  }

  override write(values: unknown, shape: number[], dtype: DataType): object {
    graphDType(dtype);
    return this.#tensor(asKnown(values as ArrayLike<number>), shape, dtype).dataId;
  }

  override readSync(dataId: object): backend_util.BackendValues {
    const entry = this.#entries.get(dataId);
    if (entry && !('name' in entry.content))
      return arrayOf(entry.content, entry.shape, entry.dtype);
    throw new UnsupportedError({
      feature: 'reading a value that is computed by the traced function',
      engine: TRACE_ENGINE,
      fix: 'Take data(), dataSync() and decisions on values out of the function.',
    });
  }

  override async read(dataId: object): Promise<backend_util.BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: object): boolean {
    const entry = this.#entries.get(dataId);
    if (entry) entry.references -= 1;
    if (entry && entry.references > 0) return false;
    this.#entries.delete(dataId);
    return true;
  }

  override numDataIds(): number {
    return this.#entries.size;
  }

  override refCount(dataId: object): number {
    return this.#entries.get(dataId)?.references ?? 0;
  }

  override incRef(dataId: object): void {
    const entry = this.#entries.get(dataId);
    if (entry) entry.references += 1;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override memory() {
    return { unreliable: true, reasons: ['Nothing is stored while tracing.'] };
  }

  override dispose(): void {
    this.#entries.clear();
  }

  #tensor(content: Entry['content'], shape: readonly number[], dtype: DataType): TensorInfo {
    const dataId = {};
    this.#entries.set(dataId, { content, shape, dtype, references: 1 });
    this.#made.push(dataId);
    return { dataId, shape: [...shape], dtype };
  }

  #constant(known: Known, shape: readonly number[], dtype: DataType): string {
    const type = graphDType(dtype);
    if ('values' in known) return this.graph.constant(arrayOf(known, shape, dtype), shape, type);
    const scalar = this.graph.constant(arrayOf(known, [], dtype), [], type);
    if (shape.length === 0) return scalar;
    const inputs = [scalar, this.graph.int64s(shape)];
    return this.graph.node({ op: 'Expand', inputs, shape, dtype: type });
  }
}

/** Names what `run` records after the place it belongs to, if it is being traced. */
export function inTraceScope<T>(scope: string, run: () => T): T {
  const { backend } = engine();
  if (!(backend instanceof TraceBackend)) return run();
  const outer = backend.graph.scope;
  backend.graph.scope = scope;
  try {
    return run();
  } finally {
    backend.graph.scope = outer;
  }
}

/** @throws {@link UnsupportedError} for strings and complex numbers */
function graphDType(dtype: DataType): GraphDType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new UnsupportedError({ feature: `tensors of type ${dtype}`, engine: TRACE_ENGINE });
}

function asKnown(values: ArrayLike<number>): Known {
  const first = values[0];
  if (first === undefined || values.length === 1) return { values };
  for (let i = 1; i < values.length; i++) if (values[i] !== first) return { values };
  return { uniform: Number(first) };
}

function arrayOf(known: Known, shape: readonly number[], dtype: DataType): ConstantArray {
  const values =
    'values' in known ? Array.from(known.values) : new Array(sizeOf(shape)).fill(known.uniform);
  return util.toTypedArray(values, dtype) as ConstantArray;
}

type ConstantArray = Float32Array | Int32Array | Uint8Array;

/** Number of elements up to which known values are worked out while tracing. */
const FOLDABLE = 4096;

/** The elements of known values, or undefined if there are too many. */
export function elementsOf(known: Known, shape: readonly number[]): number[] | undefined {
  const size = sizeOf(shape);
  if (size > FOLDABLE) return undefined;
  if ('uniform' in known) return new Array<number>(size).fill(known.uniform);
  return Array.from(known.values, Number);
}

import { assertArgument, UnsupportedError } from '@harmonica/core';
import { backend_util, slice_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { ELEMENT_TYPES, sizeOf } from '../graph.js';
import { graphOps } from '../graph-ops.js';
import { TRACE_ENGINE, type TraceBackend } from '../trace-backend.js';
import { arithmetic } from './elementwise.js';
import { input, type KernelTable } from './kernel.js';

/** The tensor with its axes in the order of `perm`. */
export function transpose(trace: TraceBackend, x: TensorInfo, perm: readonly number[]): TensorInfo {
  if (perm.every((axis, i) => axis === i)) return trace.alias(x);
  return trace.wrap(graphOps(trace.graph).transpose(trace.name(x), perm));
}

function concat(trace: TraceBackend, tensors: readonly TensorInfo[], axis: number): TensorInfo {
  const parts = tensors.filter((tensor) => sizeOf(tensor.shape) > 0);
  const [first] = parts;
  if (!first) return trace.alias(tensors[0] as TensorInfo);
  if (parts.length === 1) return trace.alias(first);
  const shape = [...first.shape];
  shape[axis] = parts.reduce((total, part) => total + (part.shape[axis] as number), 0);
  const attributes = { axis: { int: axis } };
  return trace.emit({ op: 'Concat', inputs: parts, shape, dtype: first.dtype, attributes });
}

function split(
  trace: TraceBackend,
  { x, axis, sizes }: { x: TensorInfo; axis: number; sizes: readonly number[] },
): TensorInfo[] {
  if (sizes.length === 1) return [trace.alias(x)];
  const results = sizes.map((size) => {
    const shape = x.shape.map((dimension, i) => (i === axis ? size : dimension));
    return { shape, dtype: x.dtype as 'float32' };
  });
  const inputs = [trace.name(x), trace.graph.int64s(sizes)];
  const attributes = { axis: { int: axis } };
  return trace.graph
    .nodes({ op: 'Split', inputs, results, attributes })
    .map((name) => trace.wrap(name));
}

/** The name of an index tensor as int64, which some operators insist on. */
function longIndices(trace: TraceBackend, indices: TensorInfo, shape: readonly number[]): string {
  const inputs = [trace.name(trace.alias(indices, shape))];
  const attributes = { to: { int: ELEMENT_TYPES.int64.code } };
  return trace.graph.node({ op: 'Cast', inputs, shape, dtype: 'int64', attributes });
}

/** Kernels that make, move, pick or scatter elements without computing. */
export const shapeKernels: KernelTable = {
  Fill: ({ trace, attrs }) => {
    const dtype = attrs.dtype ?? util.inferDtype(attrs.value);
    return trace.constant({ uniform: Number(attrs.value) }, attrs.shape, dtype);
  },
  ZerosLike: (call) => {
    const { shape, dtype } = input(call, 'x');
    return call.trace.constant({ uniform: 0 }, shape, dtype);
  },
  OnesLike: (call) => {
    const { shape, dtype } = input(call, 'x');
    return call.trace.constant({ uniform: 1 }, shape, dtype);
  },
  Range: ({ trace, attrs: { start, stop, step, dtype } }) => {
    const length = Math.max(0, Math.ceil((stop - start) / step));
    const values = Array.from({ length }, (_, i) => start + i * step);
    return trace.constant({ values }, [length], dtype);
  },
  LinSpace: ({ trace, attrs: { start, stop, num } }) => {
    const step = num > 1 ? (stop - start) / (num - 1) : 0;
    const values = Array.from({ length: num }, (_, i) => start + i * step);
    return trace.constant({ values }, [num], 'float32');
  },

  Identity: (call) => call.trace.share(input(call, 'x')),

  Reshape: (call) => {
    const x = input(call, 'x');
    return call.trace.alias(
      x,
      util.inferFromImplicitShape(call.attrs.shape, util.sizeFromShape(x.shape)),
    );
  },

  ExpandDims: (call) => {
    const x = call.inputs.input as TensorInfo;
    const shape = [...x.shape];
    const { dim } = call.attrs;
    shape.splice(dim < 0 ? x.shape.length + dim + 1 : dim, 0, 1);
    return call.trace.alias(x, shape);
  },

  Transpose: (call) => transpose(call.trace, input(call, 'x'), call.attrs.perm),

  Slice: (call) => {
    const x = input(call, 'x');
    const [begin = [], size = []] = slice_util.parseSliceParams(
      x,
      call.attrs.begin,
      call.attrs.size,
    );
    slice_util.assertParamsValid(x, begin, size);
    const axes = begin.flatMap((_, i) => (size[i] === x.shape[i] ? [] : [i]));
    if (axes.length === 0) return call.trace.alias(x);
    const { graph } = call.trace;
    const starts = axes.map((axis) => begin[axis] as number);
    const ends = axes.map((axis) => (begin[axis] as number) + (size[axis] as number));
    const inputs = [x, graph.int64s(starts), graph.int64s(ends), graph.int64s(axes)];
    return call.trace.emit({ op: 'Slice', inputs, shape: size, dtype: x.dtype });
  },

  Reverse: (call) => {
    const x = input(call, 'x');
    const axes = util.parseAxisParam(call.attrs.dims, x.shape);
    if (axes.length === 0) return call.trace.alias(x);
    const { graph } = call.trace;
    const all = (value: number) => graph.int64s(axes.map(() => value));
    const inputs = [x, all(-1), all(-(2 ** 31)), graph.int64s(axes), all(-1)];
    return call.trace.emit({ op: 'Slice', inputs, shape: x.shape, dtype: x.dtype });
  },

  Concat: ({ trace, inputs, attrs }) => {
    const tensors = Object.values(inputs);
    const [axis = 0] = util.parseAxisParam(attrs.axis, (tensors[0] as TensorInfo).shape);
    return concat(trace, tensors, axis);
  },

  Pack: ({ trace, inputs, attrs }) => {
    const tensors = Object.values(inputs);
    const axis = attrs.axis as number;
    const rows = tensors.map((tensor) => {
      const shape = [...tensor.shape];
      shape.splice(axis, 0, 1);
      return trace.alias(tensor, shape);
    });
    return concat(trace, rows, axis);
  },

  Unpack: (call) => {
    const x = input(call, 'value');
    const [axis = 0] = util.parseAxisParam(call.attrs.axis, x.shape);
    const sizes = new Array<number>(x.shape[axis] as number).fill(1);
    const shape = x.shape.filter((_, i) => i !== axis);
    return split(call.trace, { x, axis, sizes }).map((part) => call.trace.alias(part, shape));
  },

  SplitV: (call) => {
    const x = input(call, 'x');
    const [axis = 0] = util.parseAxisParam(call.attrs.axis, x.shape);
    const sizes = backend_util.prepareSplitSize(x as never, call.attrs.numOrSizeSplits, axis);
    return split(call.trace, { x, axis, sizes });
  },

  PadV2: (call) => {
    const x = input(call, 'x');
    const paddings = call.attrs.paddings as [number, number][];
    if (paddings.every(([before, after]) => before === 0 && after === 0))
      return call.trace.alias(x);
    const { graph } = call.trace;
    const { pads, shape } = padding(x, paddings);
    const fill = call.trace.constant({ values: [call.attrs.constantValue ?? 0] }, [], x.dtype);
    const inputs = [x, graph.int64s(pads), fill];
    return call.trace.emit({ op: 'Pad', inputs, shape, dtype: x.dtype });
  },

  MirrorPad: (call) => {
    const x = input(call, 'x');
    const { paddings, mode } = call.attrs as { paddings: [number, number][]; mode: string };
    if (mode !== 'reflect') {
      throw new UnsupportedError({ feature: `mirrorPad with mode ${mode}`, engine: TRACE_ENGINE });
    }
    const { pads, shape } = padding(x, paddings);
    const inputs = [x, call.trace.graph.int64s(pads)];
    const attributes = { mode: { string: mode } };
    return call.trace.emit({ op: 'Pad', inputs, shape, dtype: x.dtype, attributes });
  },

  Tile: (call) => {
    const x = input(call, 'x');
    const reps = call.attrs.reps as number[];
    if (reps.every((count) => count === 1)) return call.trace.alias(x);
    const shape = x.shape.map((size, i) => size * (reps[i] as number));
    const inputs = [x, call.trace.graph.int64s(reps)];
    return call.trace.emit({ op: 'Tile', inputs, shape, dtype: x.dtype });
  },

  GatherV2: (call) => {
    const [x, indices] = [input(call, 'x'), input(call, 'indices')];
    const [axis = 0] = util.parseAxisParam(call.attrs.axis, x.shape);
    const batchDims = call.attrs.batchDims ?? 0;
    if (batchDims !== 0) {
      throw new UnsupportedError({ feature: 'gather with batchDims', engine: TRACE_ENGINE });
    }
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    const attributes = { axis: { int: axis } };
    const inputs = [x, indices];
    return call.trace.emit({ op: 'Gather', inputs, shape, dtype: x.dtype, attributes });
  },

  GatherNd: (call) => {
    const [params, indices] = [input(call, 'params'), input(call, 'indices')];
    const [shape] = backend_util.prepareAndValidate(params as never, indices as never);
    const inputs = [params, longIndices(call.trace, indices, indices.shape)];
    return call.trace.emit({ op: 'GatherND', inputs, shape, dtype: params.dtype });
  },

  OneHot: (call) => {
    const indices = input(call, 'indices');
    const { depth, onValue, offValue, dtype } = call.attrs;
    const { equal, where, number } = arithmetic(call.trace);
    const classes = Array.from({ length: depth }, (_, i) => i);
    const range = call.trace.constant({ values: classes }, [depth], 'int32');
    const hit = equal(call.trace.alias(indices, [...indices.shape, 1]), range);
    return where(hit, number(onValue, dtype), number(offValue, dtype));
  },

  /** Segment numbers must lie in [0, numSegments). */
  UnsortedSegmentSum: (call) => {
    const [x, segments] = [input(call, 'x'), input(call, 'segmentIds')];
    const shape = [call.attrs.numSegments as number, ...x.shape.slice(1)];
    const zeros = call.trace.constant({ uniform: 0 }, shape, x.dtype);
    const inputs = [zeros, longIndices(call.trace, segments, [sizeOf(segments.shape), 1]), x];
    const attributes = { reduction: { string: 'add' } };
    return call.trace.emit({ op: 'ScatterND', inputs, shape, dtype: x.dtype, attributes });
  },
};

/** Numbers of elements as ONNX has them, those before all axes first, and the shape that they give. */
function padding({ shape }: TensorInfo, paddings: readonly (readonly [number, number])[]) {
  const negative = paddings.find((both) => both.some((count) => count < 0));
  assertArgument({ paddings: negative }, 'numbers of at least 0', !negative);
  const [before, after] = [paddings.map(([count]) => count), paddings.map(([, count]) => count)];
  const sizes = shape.map((size, i) => size + (before[i] as number) + (after[i] as number));
  return { pads: [...before, ...after], shape: sizes };
}

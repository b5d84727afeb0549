import { UnsupportedError } from '@harmonica/core';
import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { sizeOf } from '../graph.js';
import { TRACE_ENGINE, type TraceBackend } from '../trace-backend.js';
import { arithmetic } from './elementwise.js';
import { input, type KernelTable } from './kernel.js';

/** The name of an index tensor as int64, which some operators insist on. */
function longIndices(trace: TraceBackend, indices: TensorInfo, shape: readonly number[]): string {
  const inputs = [trace.name(trace.alias(indices, shape))];
  const attributes = { to: { int: 7 } };
  return trace.graph.node({ op: 'Cast', inputs, shape, dtype: 'int64', attributes });
}

/** Kernels that pick or scatter elements by index. */
export const indexingKernels: KernelTable = {
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

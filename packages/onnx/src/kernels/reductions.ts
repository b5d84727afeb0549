import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { ELEMENT_TYPES } from '../graph.js';
import { cast } from './elementwise.js';
import { input, type KernelCall, type KernelTable, type TraceKernel } from './kernel.js';

interface ReduceOptions {
  readonly op: string;
  readonly x: TensorInfo;
  readonly axis: number | number[];
  readonly keepDims?: boolean;
}

function reduce({ trace }: KernelCall, { op, x, axis, keepDims }: ReduceOptions): TensorInfo {
  const axes = util.parseAxisParam(axis, x.shape);
  const [kept] = backend_util.computeOutAndReduceShapes(x.shape, axes);
  const shape = keepDims ? backend_util.expandShapeToKeepDim(kept, axes) : kept;
  if (axes.length === 0) return trace.alias(x, shape);
  const inputs = [x, trace.graph.int64s(axes)];
  const attributes = { keepdims: { int: keepDims ? 1 : 0 } };
  return trace.emit({ op, inputs, shape, dtype: x.dtype, attributes });
}

/** `axes` names the attribute, which is not the same for all kernels. */
function reduction(op: string, axes = 'axis'): TraceKernel {
  return (call) => {
    const { keepDims } = call.attrs;
    return reduce(call, { op, x: input(call, 'x'), axis: call.attrs[axes], keepDims });
  };
}

/** A reduction of booleans through integers. */
function logicalReduction(op: string): TraceKernel {
  return (call) => {
    const x = cast(call.trace, input(call, 'x'), 'int32');
    const { axis, keepDims } = call.attrs;
    return cast(call.trace, reduce(call, { op, x, axis, keepDims }), 'bool');
  };
}

function position(op: string): TraceKernel {
  return (call) => {
    const x = input(call, 'x');
    const [axis = 0] = util.parseAxisParam(call.attrs.axis, x.shape);
    const shape = x.shape.filter((_, i) => i !== axis);
    const attributes = { axis: { int: axis }, keepdims: { int: 0 } };
    const graph = call.trace.graph;
    const inputs = [call.trace.name(x)];
    const found = graph.node({ op, inputs, shape, dtype: 'int64', attributes });
    const to = { int: ELEMENT_TYPES.int32.code };
    return call.trace.wrap(
      graph.node({ op: 'Cast', inputs: [found], shape, dtype: 'int32', attributes: { to } }),
    );
  };
}

/** Kernels that fold axes away or normalise along one. */
export const reductionKernels: KernelTable = {
  All: logicalReduction('ReduceMin'),
  Any: logicalReduction('ReduceMax'),
  ArgMax: position('ArgMax'),
  ArgMin: position('ArgMin'),
  Max: reduction('ReduceMax', 'reductionIndices'),
  Mean: reduction('ReduceMean'),
  Min: reduction('ReduceMin'),
  Prod: reduction('ReduceProd'),
  Sum: reduction('ReduceSum'),
  Softmax: (call) => {
    const x = input(call, 'logits');
    const [axis = 0] = util.parseAxisParam(call.attrs.dim, x.shape);
    const attributes = { axis: { int: axis } };
    return call.trace.emit({ op: 'Softmax', inputs: [x], shape: x.shape, attributes });
  },
  Cumsum: (call) => {
    const x = input(call, 'x');
    const [axis = 0] = util.parseAxisParam(call.attrs.axis, x.shape);
    const attributes = {
      exclusive: { int: call.attrs.exclusive ? 1 : 0 },
      reverse: { int: call.attrs.reverse ? 1 : 0 },
    };
    const inputs = [x, call.trace.graph.int64s([axis])];
    return call.trace.emit({ op: 'CumSum', inputs, shape: x.shape, dtype: x.dtype, attributes });
  },
};

import { intAttribute, intsAttribute } from '../graph-ops.js';
import type { GradientCall, GradientTable } from './gradient-rule.js';

/** Zeros before and after each axis, where a part was cut out. */
function padded({ ops, dy, x }: GradientCall, starts: readonly number[]): string {
  const whole = ops.shape(x);
  const part = ops.shape(dy);
  const after = whole.map((size, i) => size - (part[i] as number) - (starts[i] as number));
  const inputs = [dy, ops.builder.int64s([...starts, ...after]), ops.number(0)];
  return ops.builder.node({ op: 'Pad', inputs, shape: whole });
}

/** The part of dy that starts at `start` of an axis. */
function cut(call: GradientCall, axis: number, start: number, size: number): string {
  const { builder } = call.ops;
  const shape = call.ops.shape(call.dy).with(axis, size);
  const bounds = [[start], [start + size], [axis]].map((values) => builder.int64s(values));
  return builder.node({ op: 'Slice', inputs: [call.dy, ...bounds], shape });
}

function spread(call: GradientCall, scale: number): string {
  const { ops, x, dy } = call;
  const axes = call.integers(1);
  const kept = ops.shape(x).map((size, i) => (axes.includes(i) ? 1 : size));
  const row = ops.reshape(dy, kept);
  const scaled = scale === 1 ? row : ops.mul(row, ops.number(scale));
  return ops.expand(scaled, ops.shape(x));
}

/** Derivatives of operators that move elements or add them up. */
export const structureGradients: GradientTable = {
  Reshape: ({ ops, dy, x }) => [ops.reshape(dy, ops.shape(x))],

  Transpose: ({ node, ops, dy }) => {
    const perm = intsAttribute(node, 'perm') ?? [];
    return [
      ops.transpose(
        dy,
        perm.map((_, i) => perm.indexOf(i)),
      ),
    ];
  },

  Expand: ({ ops, dy, x }) => [ops.reduceTo(dy, ops.shape(x))],

  Slice: (call) => {
    if (call.node.inputs.length > 4) return undefined;
    const starts = new Array<number>(call.ops.shape(call.x).length).fill(0);
    call.integers(3).forEach((axis, i) => {
      starts[axis] = call.integers(1)[i] as number;
    });
    return [padded(call, starts)];
  },

  Split: ({ node, ops, dys, x }) => {
    const parts = node.outputs.map((name, i) => dys[i] ?? zeros(name));
    function zeros(name: string): string {
      return ops.expand(ops.number(0), ops.shape(name));
    }
    const shape = ops.shape(x);
    const attributes = node.attributes;
    return [ops.builder.node({ op: 'Concat', inputs: parts, shape, attributes })];
  },

  Concat: (call) => {
    const axis = intAttribute(call.node, 'axis') ?? 0;
    let start = 0;
    return call.node.inputs.map((name, i) => {
      const size = call.ops.shape(name)[axis] as number;
      start += size;
      return call.wants(i) ? cut(call, axis, start - size, size) : undefined;
    });
  },

  Pad: (call) => {
    if (call.node.attributes.mode) return undefined;
    const { builder } = call.ops;
    const shape = call.ops.shape(call.x);
    const starts = call.integers(1).slice(0, shape.length);
    const ends = starts.map((start, i) => start + (shape[i] as number));
    const inputs = [call.dy, builder.int64s(starts), builder.int64s(ends)];
    return [builder.node({ op: 'Slice', inputs, shape })];
  },

  ReduceSum: (call) => [spread(call, 1)],

  ReduceMean: (call) => {
    const sizes = call.integers(1).map((axis) => call.ops.shape(call.x)[axis] as number);
    return [spread(call, 1 / sizes.reduce((a, b) => a * b, 1))];
  },
};

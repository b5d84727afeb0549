import type { GraphAttribute, GraphNode } from './graph.js';
import { sameShape } from './graph.js';
import type { GraphBuilder } from './graph-builder.js';

/** The operators that gradients are made of, over value names of one graph. Shapes follow from the operands. */
export interface GraphOps {
  readonly builder: GraphBuilder;
  shape(x: string): readonly number[];
  add(a: string, b: string): string;
  sub(a: string, b: string): string;
  mul(a: string, b: string): string;
  div(a: string, b: string): string;
  /** One operand, same shape. */
  unary(op: string, x: string): string;
  matMul(a: string, b: string): string;
  reshape(x: string, shape: readonly number[]): string;
  transpose(x: string, perm: readonly number[]): string;
  /** The last two axes swapped. */
  swapLast(x: string): string;
  expand(x: string, shape: readonly number[]): string;
  reduce(op: 'ReduceSum' | 'ReduceMean', x: string, axes: readonly number[]): string;
  /** The sum over the axes along which a value of `shape` was broadcast to become like `x`. */
  reduceTo(x: string, shape: readonly number[]): string;
  /** A number, for elementwise operators. */
  number(value: number): string;
}

/** @param builder gets the nodes */
export function graphOps(builder: GraphBuilder): GraphOps {
  const shapeOf = (x: string) => builder.shape(x);
  const elementwise = (op: string) => (a: string, b: string) =>
    builder.node({ op, inputs: [a, b], shape: broadcastShape(shapeOf(a), shapeOf(b)) });
  const node = (
    op: string,
    inputs: readonly string[],
    shape: readonly number[],
    attributes: Readonly<Record<string, GraphAttribute>> = {},
  ) => builder.node({ op, inputs, shape, attributes });

  const ops: GraphOps = {
    builder,
    shape: shapeOf,
    add: elementwise('Add'),
    sub: elementwise('Sub'),
    mul: elementwise('Mul'),
    div: elementwise('Div'),
    unary: (op, x) => node(op, [x], shapeOf(x)),
    matMul(a, b) {
      const [left, right] = [shapeOf(a), shapeOf(b)];
      const batch = broadcastShape(left.slice(0, -2), right.slice(0, -2));
      return node('MatMul', [a, b], [...batch, left.at(-2) as number, right.at(-1) as number]);
    },
    reshape: (x, shape) => builder.reshape(x, shape),
    transpose(x, perm) {
      const shape = perm.map((axis) => shapeOf(x)[axis] as number);
      const { dtype } = builder.value(x);
      const attributes = { perm: { ints: perm } };
      return builder.node({ op: 'Transpose', inputs: [x], shape, dtype, attributes });
    },
    swapLast(x) {
      const rank = shapeOf(x).length;
      const perm = shapeOf(x).map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
      return ops.transpose(x, perm);
    },
    expand(x, shape) {
      return sameShape(shapeOf(x), shape) ? x : node('Expand', [x, builder.int64s(shape)], shape);
    },
    reduce(op, x, axes) {
      const shape = shapeOf(x).map((size, i) => (axes.includes(i) ? 1 : size));
      return node(op, [x, builder.int64s(axes)], shape, { keepdims: { int: 1 } });
    },
    reduceTo(x, shape) {
      const own = shapeOf(x);
      const offset = own.length - shape.length;
      const axes = own.flatMap((size, i) =>
        i < offset || (shape[i - offset] === 1 && size !== 1) ? [i] : [],
      );
      return ops.reshape(axes.length === 0 ? x : ops.reduce('ReduceSum', x, axes), shape);
    },
    number: (value) => builder.scalar(value),
  };
  return ops;
}

/** The shape of an elementwise operation over two shapes that fit. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    return x === 1 ? y : x;
  });
}

/** An integer attribute of a node, or undefined. */
export function intAttribute({ attributes }: GraphNode, name: string): number | undefined {
  const value = attributes[name];
  return value && 'int' in value ? value.int : undefined;
}

/** A list of integers of a node, or undefined. */
export function intsAttribute({ attributes }: GraphNode, name: string): number[] | undefined {
  const value = attributes[name];
  return value && 'ints' in value ? [...value.ints] : undefined;
}

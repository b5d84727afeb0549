import type { GraphNode } from '../graph.js';
import { sameShape, sizeOf } from '../graph.js';
import { graphOps } from '../graph-ops.js';
import type { GraphView, RewriteRule } from '../rewrite-graph.js';

/** `x + 0`, `x - 0`, `x * 1`, `x / 1` are x. */
const neutralOperand: RewriteRule = ({ op, inputs: [a = '', b = ''], outputs: [y = ''] }, view) => {
  const neutral = { Add: 0, Sub: 0, Mul: 1, Div: 1 }[op];
  if (neutral === undefined) return undefined;
  const keeps = (x: string) => sameShape(view.shape(x), view.shape(y));
  if (view.number(b) === neutral && keeps(a)) return [a];
  const commutes = op === 'Add' || op === 'Mul';
  return commutes && view.number(a) === neutral && keeps(b) ? [b] : undefined;
};

/** A reshape of a reshape is one reshape, and one to the same shape is none. */
const nestedReshape: RewriteRule = ({ op, inputs: [x = ''], outputs: [y = ''] }, view) => {
  if (op !== 'Reshape') return undefined;
  const source = view.producer(x, 'Reshape')?.inputs[0] ?? x;
  const shape = view.shape(y);
  if (sameShape(view.shape(source), shape)) return [source];
  return source === x ? undefined : [view.builder.reshape(source, shape)];
};

/** Two transposes are one, or none. */
const nestedTranspose: RewriteRule = ({ op, inputs: [x = ''], attributes }, view) => {
  const inner = op === 'Transpose' ? view.producer(x, 'Transpose') : undefined;
  if (!inner) return undefined;
  const perm = permutation(attributes).map((axis) => permutation(inner.attributes)[axis] as number);
  const source = inner.inputs[0] as string;
  if (perm.every((axis, i) => axis === i)) return [source];
  return [graphOps(view.builder).transpose(source, perm)];
};

/** `(x * a) * b` with numbers a and b is `x * (a b)`. */
const nestedFactor: RewriteRule = (node, view) => {
  const outer = factorOf(node, view);
  const inner = outer && factorOf(view.producer(outer.x, 'Mul'), view);
  if (!inner) return undefined;
  const { shape } = view.builder.value(node.outputs[0] as string);
  const inputs = [inner.x, view.builder.scalar(outer.factor * inner.factor)];
  return [view.builder.node({ op: 'Mul', inputs, shape })];
};

/**
 * `(x * a) * y` with a number a and a smaller y is `x * (y * a)`: one pass over x instead of two. The number may be an
 * input of the graph.
 */
const factorOnSmallerSide: RewriteRule = ({ op, inputs, outputs: [z = ''] }, view) => {
  if (op !== 'Mul') return undefined;
  for (const [product, y] of bothOrders(inputs)) {
    const inner = view.producer(product, 'Mul');
    const scalar = inner?.inputs.find((name) => isScalar(name, view));
    const x = inner?.inputs.find((name) => name !== scalar);
    if (!inner || scalar === undefined || x === undefined || isScalar(y, view)) continue;
    const smaller = sizeOf(view.shape(y)) * 2 <= sizeOf(view.shape(x));
    if (!smaller || !sameShape(view.shape(x), view.shape(z))) continue;
    const shape = view.shape(y);
    const scaled = view.builder.node({ op, inputs: [y, scalar], shape });
    return [view.builder.node({ op, inputs: [x, scaled], shape: view.shape(z) })];
  }
  return undefined;
};

/** Broadcasting before an elementwise operation that broadcasts itself is not needed. */
const needlessExpand: RewriteRule = ({ op, domain, inputs, outputs, attributes }, view) => {
  if (!['Add', 'Sub', 'Mul', 'Div'].includes(op)) return undefined;
  const { shape, dtype } = view.builder.value(outputs[0] as string);
  for (const [i, name] of inputs.entries()) {
    const source = view.producer(name, 'Expand')?.inputs[0];
    const other = inputs[1 - i] as string;
    if (source === undefined || !sameShape(view.shape(other), shape)) continue;
    const direct = inputs.with(i, source);
    return [view.builder.node({ op, domain, inputs: direct, shape, dtype, attributes })];
  }
  return undefined;
};

/** Rules that remove work without changing any operator. */
export const identityRules: readonly RewriteRule[] = [
  neutralOperand,
  nestedReshape,
  nestedTranspose,
  nestedFactor,
  factorOnSmallerSide,
  needlessExpand,
];

/** The operands of a commutative operator, either of them first. */
export function bothOrders([a, b]: readonly string[] = []): (readonly [string, string])[] {
  if (a === undefined || b === undefined) return [];
  return [
    [a, b],
    [b, a],
  ];
}

/** The axes of a Transpose node. */
export function permutation(attributes: GraphNode['attributes']): readonly number[] {
  const perm = attributes.perm;
  return perm && 'ints' in perm ? perm.ints : [];
}

/** The operands of a product with a constant number. */
export function factorOf(node: GraphNode | undefined, view: GraphView) {
  if (node?.op !== 'Mul') return undefined;
  const [a = '', b = ''] = node.inputs;
  const [left, right] = [scalarNumber(a, view), scalarNumber(b, view)];
  if (right !== undefined) return { x: a, factor: right };
  return left === undefined ? undefined : { x: b, factor: left };
}

function scalarNumber(name: string, view: GraphView): number | undefined {
  return isScalar(name, view) ? view.number(name) : undefined;
}

function isScalar(name: string, view: GraphView): boolean {
  return sizeOf(view.shape(name)) === 1;
}

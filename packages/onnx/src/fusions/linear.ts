import type { GraphNode } from '../graph.js';
import { broadcastShape } from '../graph-ops.js';
import type { GraphView, RewriteRule } from '../rewrite-graph.js';
import { bothOrders, factorOf, permutation } from './identities.js';

/** `a b + bias` of two matrices and a vector as Gemm, which writes the bias before it multiplies. */
export const gemmRule: RewriteRule = ({ op, inputs, outputs: [y = ''] }, view) => {
  if (op !== 'Add') return undefined;
  for (const [product, bias] of bothOrders(inputs)) {
    const matmul = view.producer(product, 'MatMul');
    const shape = view.shape(y);
    const isVector = view.shape(bias).length === 1 && view.shape(bias)[0] === shape[1];
    if (!matmul || shape.length !== 2 || !isVector || view.uses(product) > 1) continue;
    if (!matmul.inputs.every((name) => view.shape(name).length === 2)) continue;
    return [view.builder.node({ op: 'Gemm', inputs: [...matmul.inputs, bias], shape })];
  }
  return undefined;
};

/** A product with transposed or scaled operands as FusedMatMul, which reads them as they are. */
export const fusedMatMulRule: RewriteRule = (node, view) => {
  if (node.op !== 'MatMul') return undefined;
  const [left, right] = node.inputs.map((name) => operandOf(name, view)) as [Operand, Operand];
  const factor = left.factor * right.factor;
  if (!left.transposed && !right.transposed && factor === 1) return undefined;
  const [a, b] = [left.name, right.name];
  const flags = { transA: left.transposed, transB: right.transposed };
  return [fusedMatMul(view, { a, b, ...flags, factor })];
};

/** `factor a b`, with either operand transposed. */
interface Fusion {
  readonly a: string;
  readonly b: string;
  readonly transA: boolean;
  readonly transB: boolean;
  readonly factor: number;
}

function fusionOf({ inputs: [a = '', b = ''], attributes }: GraphNode): Fusion {
  const { transA, transB, alpha } = attributes as Record<string, { int?: number; float?: number }>;
  return {
    a,
    b,
    transA: transA?.int === 1,
    transB: transB?.int === 1,
    factor: alpha?.float ?? 1,
  };
}

function fusedMatMul(view: GraphView, { a, b, transA, transB, factor }: Fusion): string {
  const [left, right] = [view.shape(a), view.shape(b)];
  const batch = broadcastShape(left.slice(0, -2), right.slice(0, -2));
  const rows = left.at(transA ? -1 : -2) as number;
  const columns = right.at(transB ? -2 : -1) as number;
  return view.builder.node({
    op: 'FusedMatMul',
    domain: 'com.microsoft',
    inputs: [a, b],
    shape: [...batch, rows, columns],
    attributes: {
      transA: { int: transA ? 1 : 0 },
      transB: { int: transB ? 1 : 0 },
      alpha: { float: factor },
    },
  });
}

/** A product that is multiplied by a number does so itself. */
export const scaledMatMulRule: RewriteRule = (node, view) => {
  const scaled = factorOf(node, view);
  const product = view.producer(scaled?.x ?? '', 'MatMul', 'FusedMatMul');
  if (!scaled || !product || view.uses(scaled.x) > 1) return undefined;
  const fusion = fusionOf(product);
  return [fusedMatMul(view, { ...fusion, factor: fusion.factor * scaled.factor })];
};

/** `(a b)^T` is `b^T a^T`, which reads a and b as they are. */
export const transposedMatMulRule: RewriteRule = (node, view) => {
  if (node.op !== 'Transpose' || !swapsLastAxes(node)) return undefined;
  const x = node.inputs[0] as string;
  const product = view.producer(x, 'MatMul', 'FusedMatMul');
  if (!product || view.uses(x) > 1) return undefined;
  const { a, b, transA, transB, factor } = fusionOf(product);
  return [fusedMatMul(view, { a: b, b: a, transA: !transB, transB: !transA, factor })];
};

interface Operand {
  readonly name: string;
  readonly transposed: boolean;
  readonly factor: number;
}

function operandOf(name: string, view: GraphView): Operand {
  const transpose = view.producer(name, 'Transpose');
  if (transpose && swapsLastAxes(transpose)) {
    const inner = operandOf(transpose.inputs[0] as string, view);
    if (!inner.transposed) return { ...inner, transposed: true };
    return { name, transposed: false, factor: 1 };
  }
  const scaled = factorOf(view.producer(name, 'Mul'), view);
  if (!scaled || view.shape(scaled.x).length !== view.shape(name).length) {
    return { name, transposed: false, factor: 1 };
  }
  const inner = operandOf(scaled.x, view);
  return { ...inner, factor: inner.factor * scaled.factor };
}

function swapsLastAxes({ attributes }: GraphNode): boolean {
  const perm = permutation(attributes);
  const last = perm.length - 1;
  return perm.every((axis, i) => axis === (i < last - 1 ? i : 2 * last - 1 - i));
}

/** Gelu of a product and a vector added to it as FastGelu, which adds the vector on its way. */
export const biasGeluRule: RewriteRule = ({ op, inputs: [h = ''], outputs: [y = ''] }, view) => {
  if (op !== 'Gelu') return undefined;
  const sum = view.producer(h, 'Add');
  const shape = view.shape(y);
  const [x = '', bias = ''] = sum?.inputs ?? [];
  const joined = view.producer(x, 'MatMul') && view.shape(bias).length === 1 && view.uses(h) === 1;
  const inputs = joined ? [x, bias] : [h];
  return [view.builder.node({ op: 'FastGelu', domain: 'com.microsoft', inputs, shape })];
};

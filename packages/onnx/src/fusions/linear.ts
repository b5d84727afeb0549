import type { GraphNode } from '../graph.js';
import type { GraphView, RewriteRule } from '../rewrite-graph.js';
import { factorOf, permutation } from './identities.js';

/** `a b + bias` of two matrices and a vector as Gemm, which writes the bias before it multiplies. */
export const gemmRule: RewriteRule = ({ op, inputs, outputs: [y = ''] }, view) => {
  if (op !== 'Add') return undefined;
  for (const [product = '', bias = ''] of [inputs, inputs.toReversed()]) {
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
  const [a, b] = node.inputs.map((name) => operandOf(name, view)) as [Operand, Operand];
  if (!a.transposed && !b.transposed && a.factor * b.factor === 1) return undefined;
  return [
    view.builder.node({
      op: 'FusedMatMul',
      domain: 'com.microsoft',
      inputs: [a.name, b.name],
      shape: view.shape(node.outputs[0] as string),
      attributes: {
        transA: { int: a.transposed ? 1 : 0 },
        transB: { int: b.transposed ? 1 : 0 },
        alpha: { float: a.factor * b.factor },
      },
    }),
  ];
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

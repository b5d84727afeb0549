import { UnsupportedError } from '@harmonica/core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { graphOps } from '../graph-ops.js';
import { TRACE_ENGINE } from '../trace-backend.js';
import { arithmetic, binaryKernels, unaryKernels } from './elementwise.js';
import { input, type KernelCall, type KernelTable } from './kernel.js';

function matMul(call: KernelCall): TensorInfo {
  const { trace, attrs } = call;
  const { matMul: product, swapLast } = graphOps(trace.graph);
  const operand = (name: string, isTransposed: boolean): string => {
    const x = trace.name(input(call, name));
    return isTransposed ? swapLast(x) : x;
  };
  return trace.wrap(product(operand('a', attrs.transposeA), operand('b', attrs.transposeB)));
}

const ACTIVATIONS: Readonly<Record<string, string>> = {
  relu: 'Relu',
  relu6: 'Relu6',
  sigmoid: 'Sigmoid',
  elu: 'Elu',
  leakyrelu: 'LeakyRelu',
  prelu: 'Prelu',
};

/** Applies the named activation of a fused kernel. */
export function activate(call: KernelCall, x: TensorInfo): TensorInfo {
  const { activation = 'linear', leakyreluAlpha } = call.attrs;
  if (activation === 'linear' || activation === null) return x;
  const name = ACTIVATIONS[activation] ?? '';
  const kernel = unaryKernels[name] ?? binaryKernels[name];
  if (!kernel) {
    throw new UnsupportedError({ feature: `activation ${activation}`, engine: TRACE_ENGINE });
  }
  const alpha = call.inputs.preluActivationWeights as TensorInfo;
  const attrs = { alpha: leakyreluAlpha };
  return kernel({ trace: call.trace, inputs: { x, alpha }, attrs }) as TensorInfo;
}

/** Matrix products and sums of products. */
export const matmulKernels: KernelTable = {
  BatchMatMul: matMul,
  _FusedMatMul: (call) => {
    const product = matMul(call);
    const { bias } = call.inputs;
    return activate(call, bias ? arithmetic(call.trace).add(product, bias) : product);
  },
  Einsum: ({ trace, inputs, attrs }) => {
    const tensors = Object.values(inputs);
    const shape = einsumShape(attrs.equation, tensors);
    const attributes = { equation: { string: attrs.equation } };
    return trace.emit({ op: 'Einsum', inputs: tensors, shape, attributes });
  },
};

function einsumShape(equation: string, tensors: readonly TensorInfo[]): number[] {
  const [left = '', right = ''] = equation.replace(/\s/g, '').split('->');
  const sizes = new Map<string, number>();
  left.split(',').forEach((labels, i) => {
    [...labels].forEach((label, axis) => {
      sizes.set(label, tensors[i]?.shape[axis] as number);
    });
  });
  return [...right].map((label) => sizes.get(label) as number);
}

import { groupNorm } from '@harmonica/backbones';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../test/close.js';
import { runGraph } from '../test/run-graph.js';
import { fuseGraph, portableGraph, simplifyGraph } from './fuse-graph.js';
import { type TensorRecord, traceFunction } from './trace-function.js';

const LINEAR = Math.sqrt(2 / Math.PI);
type T3 = tf.Tensor3D;

interface Case {
  readonly name: string;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly fn: (inputs: TensorRecord) => tf.Tensor;
  /** The operators of the fused graph, in order. */
  readonly operators: readonly string[];
}

const x = [2, 3, 8];
const t = (tensor: tf.Tensor | undefined): tf.Tensor => tensor as tf.Tensor;
const normed = (input: tf.Tensor, epsilon = 1e-6): tf.Tensor => {
  const centred = tf.sub(input, tf.mean(input, -1, true));
  return tf.div(centred, tf.sqrt(tf.add(tf.mean(tf.mul(centred, centred), -1, true), epsilon)));
};
const rsqrtNormed = (input: tf.Tensor): tf.Tensor => {
  const centred = tf.sub(input, tf.mean(input, -1, true));
  return tf.mul(tf.rsqrt(tf.add(1e-5, tf.mean(tf.square(centred), -1, true))), centred);
};

const cases: readonly Case[] = [
  {
    name: 'convolutions, pooling and what joins them stay in one layout',
    inputs: { image: [1, 6, 6, 2], filter: [3, 3, 2, 2], bias: [2] },
    fn: (i) => {
      const [filter, bias] = [t(i.filter) as tf.Tensor4D, t(i.bias) as tf.Tensor1D];
      const block = (x: tf.Tensor4D): tf.Tensor4D =>
        tf.fused.conv2d({ x, filter, bias, strides: 1, pad: 'same', activation: 'relu' });
      const y = block(t(i.image) as tf.Tensor4D);
      return tf.concat([block(block(y)), tf.maxPool(y, 3, 1, 'same'), y], 3);
    },
    operators: [
      ...['Transpose', 'Transpose', 'Conv', 'Relu', 'Conv', 'Relu', 'Conv', 'Relu'],
      ...['MaxPool', 'Concat', 'Transpose'],
    ],
  },
  {
    name: 'layer norm with sqrt and div',
    inputs: { x },
    fn: (i) => normed(t(i.x)),
    operators: ['LayerNormalization'],
  },
  {
    name: 'layer norm with rsqrt, operands swapped',
    inputs: { x },
    fn: (i) => rsqrtNormed(t(i.x)),
    operators: ['LayerNormalization'],
  },
  {
    name: 'layer norm from moments',
    inputs: { x },
    fn: (i) => {
      const { mean, variance } = tf.moments(t(i.x), -1, true);
      return tf.div(tf.sub(t(i.x), mean), tf.sqrt(tf.add(variance, 1e-6)));
    },
    operators: ['LayerNormalization'],
  },
  {
    name: 'layer norm with a row for each sample',
    inputs: { x, scale: [2, 1, 8], shift: [2, 1, 8] },
    fn: (i) => tf.add(tf.mul(normed(t(i.x)), t(i.scale)), t(i.shift)),
    operators: ['LayerNormalization'],
  },
  {
    name: 'layer norm with vectors',
    inputs: { x, scale: [8], shift: [8] },
    fn: (i) => tf.add(t(i.shift), tf.mul(t(i.scale), normed(t(i.x)))),
    operators: ['LayerNormalization'],
  },
  {
    name: 'layer norm with a matrix for each sample is not one operator',
    inputs: { x, scale: [2, 3, 8], shift: [2, 3, 8] },
    fn: (i) => tf.add(tf.mul(normed(t(i.x)), t(i.scale)), t(i.shift)),
    operators: ['LayerNormalization', 'Mul', 'Add'],
  },
  {
    name: 'a norm over another axis is none',
    inputs: { x },
    fn: (i) => {
      const centred = tf.sub(t(i.x), tf.mean(t(i.x), 1, true));
      return tf.div(centred, tf.sqrt(tf.mean(tf.square(centred), 1, true)));
    },
    operators: ['ReduceMean', 'Sub', 'Mul', 'ReduceMean', 'Sqrt', 'Div'],
  },
  {
    name: 'gelu with sigmoid',
    inputs: { x },
    fn: (i) => {
      const cubic = tf.mul(tf.square(t(i.x)), 2 * LINEAR * 0.044715);
      return tf.mul(t(i.x), tf.sigmoid(tf.mul(t(i.x), tf.add(cubic, 2 * LINEAR))));
    },
    operators: ['FastGelu'],
  },
  {
    name: 'gelu with tanh and a power',
    inputs: { x },
    fn: (i) => {
      const inner = tf.mul(LINEAR, tf.add(t(i.x), tf.mul(0.044715, tf.pow(t(i.x), 3))));
      return tf.mul(tf.mul(0.5, t(i.x)), tf.add(1, tf.tanh(inner)));
    },
    operators: ['FastGelu'],
  },
  {
    name: 'a sigmoid of another cubic is no gelu',
    inputs: { x },
    fn: (i) => {
      const cubic = tf.mul(tf.square(t(i.x)), 0.1);
      return tf.mul(t(i.x), tf.sigmoid(tf.mul(t(i.x), tf.add(cubic, 2 * LINEAR))));
    },
    operators: ['Mul', 'Mul', 'Add', 'Mul', 'Sigmoid', 'Mul'],
  },
  {
    name: 'silu',
    inputs: { x },
    fn: (i) => tf.mul(tf.sigmoid(t(i.x)), t(i.x)),
    operators: ['QuickGelu'],
  },
  {
    name: 'a linear layer',
    inputs: { x: [6, 8], w: [8, 5], b: [5] },
    fn: (i) => tf.add(t(i.b), tf.matMul(t(i.x), t(i.w))),
    operators: ['Gemm'],
  },
  {
    name: 'a linear layer over tokens',
    inputs: { x, w: [8, 5], b: [5] },
    fn: (i) => {
      const rows = tf.matMul(tf.reshape(t(i.x), [6, 8]), t(i.w));
      return tf.reshape(tf.reshape(tf.add(rows, t(i.b)), [3, 2, 5]), [2, 3, 5]);
    },
    operators: ['Reshape', 'Gemm', 'Reshape'],
  },
  {
    name: 'scaled attention',
    inputs: { q: x, k: [2, 4, 8], v: [2, 4, 8] },
    fn: (i) => {
      const scores = tf.mul(tf.matMul(tf.mul(t(i.q), 0.5), t(i.k), false, true), 0.25);
      return tf.matMul(tf.softmax(scores), t(i.v));
    },
    operators: ['FusedMatMul', 'Softmax', 'MatMul'],
  },
  {
    name: 'a transposed product',
    inputs: { x, y: [2, 8, 4] },
    fn: (i) => tf.transpose(tf.matMul(t(i.x), t(i.y)), [0, 2, 1]),
    operators: ['FusedMatMul'],
  },
  {
    name: 'group norm',
    inputs: { x: [2, 3, 4, 6], weight: [3, 2], bias: [3, 2] },
    fn: (i) =>
      groupNorm({
        x: i.x as tf.Tensor4D,
        weight: i.weight as tf.Tensor2D,
        bias: i.bias as tf.Tensor2D,
      }),
    operators: [
      'Transpose',
      'Reshape',
      'InstanceNormalization',
      'Reshape',
      'Reshape',
      'Mul',
      'Reshape',
      'Add',
      'Transpose',
    ],
  },
  {
    name: 'nothing, in many steps',
    inputs: { x },
    fn: (i) => {
      const same = tf.add(tf.mul(t(i.x), 1), tf.zeros([8]));
      const back = tf.transpose(tf.transpose(same, [1, 0, 2]), [1, 0, 2]);
      return tf.neg(tf.div(tf.reshape(tf.reshape(back, [48]), x as [number, number, number]), 1));
    },
    operators: ['Neg'],
  },
  {
    name: 'equal steps, once',
    inputs: { x },
    fn: (i) => tf.add(tf.exp(t(i.x)), tf.mul(tf.exp(t(i.x)), tf.exp(t(i.x)))),
    operators: ['Exp', 'Mul', 'Add'],
  },
  {
    name: 'a factor on the smaller side',
    inputs: { x, gate: [2, 1, 8], rate: [] },
    fn: (i) => tf.mul(tf.mul(t(i.x), t(i.rate)), t(i.gate)),
    operators: ['Mul', 'Mul'],
  },
];

describe('fuseGraph', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it.each(cases)('finds the operators and keeps the values: $name', async (test) => {
    const specs = Object.entries(test.inputs);
    const arrays = Object.fromEntries(
      specs.map(([name, shape], salt) => {
        const length = shape.reduce((a, b) => a * b, 1);
        return [name, Float32Array.from({ length }, (_, i) => Math.sin(i * 1.3 + salt))];
      }),
    );
    const traced = traceFunction({
      inputs: Object.fromEntries(specs.map(([name, shape]) => [name, { shape }])),
      fn: (given) => ({ result: test.fn(given) }),
    });
    const fused = fuseGraph(traced);
    expect(fused.nodes.map(({ op }) => op)).toEqual(test.operators);
    const [plain, quick] = await Promise.all([runGraph(traced, arrays), runGraph(fused, arrays)]);
    expectClose(quick.result ?? [], plain.result ?? [], 1e-5);
  });

  it('multiplies a number into the smaller tensor', () => {
    const traced = traceFunction({
      inputs: { x: { shape: x }, gate: { shape: [2, 1, 8] }, rate: { shape: [] } },
      fn: (i) => ({ y: tf.mul(tf.mul(t(i.x), t(i.rate)), t(i.gate)) }),
    });
    const [scaled, product] = fuseGraph(traced).nodes;
    expect(scaled?.inputs).toEqual(['gate', 'rate']);
    expect(product?.inputs).toEqual(['x', scaled?.outputs[0]]);
  });

  it('simplifies to standard operators', () => {
    const traced = traceFunction({
      inputs: { x: { shape: x } },
      fn: (i) => ({ y: tf.mul(normed(t(i.x)) as T3, tf.sigmoid(t(i.x))) }),
    });
    expect(simplifyGraph(traced).nodes.every(({ domain }) => domain === '')).toBe(true);
  });
});

describe('portableGraph', () => {
  it.each([
    { shape: [2, 1, 8], operators: ['LayerNormalization', 'Mul', 'Add'] },
    { shape: [8], operators: ['LayerNormalization'] },
  ])('has vectors alone in layer norms: scale of shape $shape', async ({ shape, operators }) => {
    const inputs = { x, scale: shape, shift: shape };
    const traced = traceFunction({
      inputs: Object.fromEntries(Object.entries(inputs).map(([k, s]) => [k, { shape: s }])),
      fn: (i) => ({ y: tf.add(tf.mul(normed(t(i.x)), t(i.scale)), t(i.shift)) }),
    });
    const portable = portableGraph(simplifyGraph(traced));
    expect(portable.nodes.map(({ op }) => op)).toEqual(operators);
    expect(portable.nodes.every(({ domain }) => domain === '')).toBe(true);
    const arrays = Object.fromEntries(
      Object.entries(inputs).map(([name, s], k) => {
        const size = s.reduce((a, b) => a * b, 1);
        return [name, Float32Array.from({ length: size }, (_, i) => Math.sin(3 * i + k))];
      }),
    );
    const [plain, apart] = await Promise.all([
      runGraph(traced, arrays),
      runGraph(portable, arrays),
    ]);
    expectClose(apart.y ?? [], plain.y ?? [], 1e-5);
  });
});

import { ensureGradients, UnsupportedError } from '@harmonica/core';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../test/close.js';
import { runGraph } from '../test/run-graph.js';
import { differentiate } from './differentiate.js';
import { fuseGraph, simplifyGraph } from './fuse-graph.js';
import { pruneGraph, type TracedGraph } from './graph.js';
import { GraphBuilder } from './graph-builder.js';
import { traceFunction } from './trace-function.js';

const TOLERANCE = 1e-5;
const SHAPE = [2, 3, 4];

/** A function of x and w, both [2, 3, 4] with elements in [0.3, 1.7], and what the gradient is made of. */
interface Case {
  readonly name: string;
  readonly fn: (x: tf.Tensor, w: tf.Tensor) => tf.Tensor;
  /** Operators that must not be in the gradient, because a shorter form was recognised. */
  readonly without?: readonly string[];
}

const layerNorm = (x: tf.Tensor): tf.Tensor => {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-6)));
};
const gelu = (x: tf.Tensor): tf.Tensor => {
  const linear = 2 * Math.sqrt(2 / Math.PI);
  const inner = tf.add(tf.mul(tf.square(x), 0.044715 * linear), linear);
  return tf.mul(x, tf.sigmoid(tf.mul(x, inner)));
};
const exactGelu = (x: tf.Tensor): tf.Tensor =>
  tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
const conv = (stride: number) => (x: tf.Tensor) => {
  const filter = tf.div(tf.reshape(tf.range(0, 18), [3, 3, 1, 2]), 10);
  return tf.conv2d(
    tf.reshape(x, [2, 3, 4, 1]) as tf.Tensor4D,
    filter as tf.Tensor4D,
    stride,
    'same',
  );
};

const cases: readonly Case[] = [
  { name: 'add', fn: (x, w) => tf.add(x, w) },
  { name: 'add of a broadcast sum', fn: (x, w) => tf.add(tf.sum(x, 1, true), w) },
  { name: 'sub', fn: (x, w) => tf.sub(w, tf.sub(x, 1)) },
  { name: 'mul', fn: (x, w) => tf.mul(x, tf.mul(w, x)) },
  { name: 'mul with itself', fn: (x) => tf.mul(x, x) },
  { name: 'mul of a broadcast mean', fn: (x, w) => tf.mul(tf.mean(x, [0, 2], true), w) },
  { name: 'div', fn: (x, w) => tf.div(tf.add(x, w), x) },
  { name: 'neg', fn: (x) => tf.neg(x) },
  { name: 'exp', fn: (x) => tf.exp(x) },
  { name: 'log', fn: (x) => tf.log(x) },
  { name: 'sqrt', fn: (x) => tf.sqrt(x) },
  { name: 'rsqrt', fn: (x) => tf.rsqrt(x) },
  { name: 'sin', fn: (x) => tf.sin(x) },
  { name: 'cos', fn: (x) => tf.cos(x) },
  { name: 'tanh', fn: (x) => tf.tanh(x) },
  { name: 'sigmoid', fn: (x) => tf.sigmoid(x) },
  { name: 'silu', fn: (x) => tf.mul(x, tf.sigmoid(x)) },
  { name: 'relu', fn: (x) => tf.relu(tf.sub(x, 1)) },
  { name: 'sum', fn: (x) => tf.add(tf.sum(x, [0, 2]), tf.sum(x)) },
  { name: 'reshape and transpose', fn: (x) => tf.transpose(tf.reshape(x, [4, 2, 3]), [2, 0, 1]) },
  { name: 'slice', fn: (x) => tf.slice(x, [0, 1, 1], [2, 2, 2]) },
  {
    name: 'split',
    fn: (x, w) => {
      const [a, , c] = tf.split(tf.mul(x, w), 3, 1);
      return tf.mul(a as tf.Tensor, tf.exp(c as tf.Tensor));
    },
  },
  { name: 'concat', fn: (x, w) => tf.concat([tf.square(x), w, x], 2) },
  {
    name: 'pad',
    fn: (x) =>
      tf.pad(x, [
        [0, 1],
        [2, 0],
        [1, 1],
      ]),
  },
  { name: 'broadcast of a constant', fn: (x) => tf.mul(tf.ones([5, 2, 3, 4]), x) },
  {
    name: 'matMul by a weight',
    fn: (x, w) => tf.matMul(tf.reshape(x, [6, 4]), tf.reshape(w, [4, 6])),
  },
  { name: 'matMul of both sides', fn: (x, w) => tf.matMul(x, tf.mul(w, x), false, true) },
  { name: 'matMul, first transposed', fn: (x, w) => tf.matMul(x, w, true) },
  { name: 'softmax', fn: (x, w) => tf.mul(tf.softmax(x), w) },
  { name: 'layer norm', fn: (x, w) => tf.mul(layerNorm(x), w), without: ['Sqrt', 'Pow'] },
  {
    name: 'modulated layer norm',
    fn: (x, w) => {
      const [scale, shift] = [1, 2].map((row) => tf.slice(w, [0, row, 0], [2, 1, 4]));
      return tf.add(tf.mul(layerNorm(x), scale as tf.Tensor), shift as tf.Tensor);
    },
    without: ['Sqrt', 'Pow'],
  },
  { name: 'gelu', fn: (x) => gelu(tf.sub(x, 1)), without: ['Pow', 'Tanh'] },
  { name: 'erf', fn: (x) => tf.erf(tf.sub(x, 1)) },
  { name: 'exact gelu', fn: (x) => exactGelu(tf.sub(x, 1)) },
  { name: 'conv2d', fn: conv(1) },
  { name: 'conv2d with stride', fn: conv(2) },
  {
    name: 'attention',
    fn: (x, w) => tf.matMul(tf.softmax(tf.mul(tf.matMul(x, w, false, true), 0.5)), x),
    without: ['Transpose'],
  },
];

/** The gradient of `<fn(x), cos(0, 1, ...)>` by x, and its graph. */
function gradientGraph(fn: Case['fn'], w: tf.Tensor): TracedGraph {
  const traced = traceFunction({
    inputs: { x: { shape: SHAPE } },
    fn: ({ x }) => {
      const y = fn(x as tf.Tensor, w);
      return { y, dy: tf.reshape(tf.cos(tf.range(0, y.size)), y.shape) };
    },
  });
  const forward = simplifyGraph(traced);
  const [y, dy] = forward.outputs.map(({ value }) => value) as [string, string];
  const builder = GraphBuilder.from(forward);
  const { nodes } = forward;
  const found = differentiate({ builder, nodes, seeds: [[y, dy]], by: ['x'] });
  return fuseGraph(pruneGraph(builder.build({ dx: found.get('x') as string })));
}

describe('differentiate', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
    await ensureGradients();
  });

  it.each(cases)('gives the gradient of TensorFlow.js: $name', async ({ fn, without = [] }) => {
    const values = Float32Array.from({ length: 24 }, (_, i) => 1 + 0.7 * Math.sin(3 * i + 1));
    const weights = Float32Array.from({ length: 24 }, (_, i) => 1 + 0.7 * Math.cos(5 * i));
    const [x, w] = [tf.tensor(values, SHAPE), tf.tensor(weights, SHAPE)];
    const expected = tf.tidy(() =>
      tf.grad((t) => {
        const y = fn(t, w);
        return tf.sum(tf.mul(y, tf.reshape(tf.cos(tf.range(0, y.size)), y.shape)));
      })(x),
    );
    const graph = gradientGraph(fn, w);
    const { dx } = await runGraph(graph, { x: values });
    expectClose(dx ?? [], await expected.data(), TOLERANCE);
    const operators = graph.nodes.map(({ op }) => op);
    expect(operators.filter((op) => without.includes(op))).toEqual([]);
    tf.dispose([x, w, expected]);
  });

  it('names an operator that it cannot differentiate', () => {
    const w = tf.zeros(SHAPE);
    expect(() => gradientGraph((x) => tf.cumsum(x, 2), w)).toThrow(UnsupportedError);
    expect(() => gradientGraph((x) => tf.cumsum(x, 2), w)).toThrow(/CumSum/);
    w.dispose();
  });
});

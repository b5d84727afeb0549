import { ensureGradients } from '@harmonica/core';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../../test/close.js';
import { runGraph } from '../../test/run-graph.js';
import { fuseGraph } from '../fuse-graph.js';
import type { GraphArray } from '../graph.js';
import { traceKernels } from '../register-kernels.js';
import { type TensorRecord, type TensorSpec, traceFunction } from '../trace-function.js';

const TOLERANCE = 1e-5;

/** A function of named tensors, and which numbers it is tried on. */
interface Case {
  readonly name: string;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  // biome-ignore lint/suspicious/noExplicitAny: the ops under test want tensors of many ranks
  readonly fn: (inputs: Record<string, any>) => tf.Tensor | tf.Tensor[];
  /** Interval of the float inputs; default [-2, 2]. */
  readonly range?: readonly [number, number];
  /** Integers below this bound instead of 4. */
  readonly integers?: number;
  /** Why TensorFlow.js has no gradient for it. */
  readonly noGradient?: string;
}

const x: TensorSpec = { shape: [2, 3, 4] };
const xy = { x, y: x };
const INTEGERS = 'integer or boolean results';
const NO_POOL_GRADIENT = 'gradients of pooling are not traced';

/** One unary op over [2, 3, 4]. */
function unary(name: string, fn: (x: tf.Tensor) => tf.Tensor, rest: Partial<Case> = {}): Case {
  return { name, inputs: { x }, fn: (inputs) => fn(inputs.x), ...rest };
}

const cases: readonly Case[] = [
  unary('abs', tf.abs),
  unary('acos', tf.acos, { range: [-0.9, 0.9] }),
  unary('acosh', tf.acosh, { range: [1.1, 3] }),
  unary('asin', tf.asin, { range: [-0.9, 0.9] }),
  unary('asinh', tf.asinh),
  unary('atan', tf.atan),
  unary('atanh', tf.atanh, { range: [-0.9, 0.9] }),
  unary('ceil', tf.ceil),
  unary('cos', tf.cos),
  unary('cosh', tf.cosh),
  unary('elu', tf.elu),
  unary('erf', tf.erf),
  unary('exp', tf.exp),
  unary('expm1', tf.expm1),
  unary('floor', tf.floor),
  unary('isFinite', (t) => tf.isFinite(tf.div(1, tf.sub(t, t))), { noGradient: INTEGERS }),
  unary('isInf', (t) => tf.isInf(tf.div(1, tf.mul(t, 0))), { noGradient: INTEGERS }),
  unary('isNaN', (t) => tf.isNaN(tf.sqrt(t)), { noGradient: INTEGERS }),
  unary('leakyRelu', (t) => tf.leakyRelu(t, 0.3)),
  unary('log', tf.log, { range: [0.1, 3] }),
  unary('log1p', tf.log1p, { range: [-0.5, 3] }),
  unary('logicalNot', (t) => tf.logicalNot(tf.greater(t, 0)), { noGradient: INTEGERS }),
  unary('neg', tf.neg),
  unary('reciprocal', tf.reciprocal, { range: [0.5, 3] }),
  unary('relu', tf.relu),
  unary('relu6', tf.relu6, { range: [-2, 8] }),
  unary('round', (t) => tf.round(tf.concat([t, tf.fill([2, 3, 1], 2.5)], 2))),
  unary('rsqrt', tf.rsqrt, { range: [0.5, 3] }),
  unary('selu', tf.selu),
  unary('sigmoid', tf.sigmoid),
  unary('sign', tf.sign),
  unary('sin', tf.sin),
  unary('sinh', tf.sinh),
  unary('softplus', tf.softplus),
  unary('sqrt', tf.sqrt, { range: [0.2, 3] }),
  unary('square', tf.square),
  unary('step', (t) => tf.step(t, 0.25)),
  unary('tan', tf.tan, { range: [-1, 1] }),
  unary('tanh', tf.tanh),
  unary('clipByValue', (t) => tf.clipByValue(t, -0.5, 1)),
  unary('cast to integers', (t) => tf.cast(t, 'int32'), { noGradient: INTEGERS }),
  unary('cast to booleans and back', (t) => tf.cast(tf.cast(t, 'bool'), 'float32'), {
    noGradient: INTEGERS,
  }),
  unary('identity', (t) => tf.clone(t)),

  { name: 'add', inputs: xy, fn: ({ x, y }) => tf.add(x, y) },
  { name: 'add with a row', inputs: { x, y: { shape: [4] } }, fn: ({ x, y }) => tf.add(x, y) },
  {
    name: 'sub with columns',
    inputs: { x: { shape: [3, 1] }, y: x },
    fn: ({ x, y }) => tf.sub(x, y),
  },
  { name: 'mul with a scalar', inputs: { x }, fn: ({ x }) => tf.mul(x, 3) },
  { name: 'mul', inputs: { x, y: { shape: [2, 1, 4] } }, fn: ({ x, y }) => tf.mul(x, y) },
  { name: 'mul with itself', inputs: { x }, fn: ({ x }) => tf.mul(x, x) },
  { name: 'div', inputs: xy, fn: ({ x, y }) => tf.div(x, tf.add(tf.square(y), 1)) },
  { name: 'pow', inputs: xy, fn: ({ x, y }) => tf.pow(tf.add(tf.abs(x), 0.5), y) },
  { name: 'pow with a constant', inputs: { x }, fn: ({ x }) => tf.pow(x, 3) },
  { name: 'maximum', inputs: xy, fn: ({ x, y }) => tf.maximum(x, y) },
  { name: 'minimum', inputs: xy, fn: ({ x, y }) => tf.minimum(x, y) },
  { name: 'squaredDifference', inputs: xy, fn: ({ x, y }) => tf.squaredDifference(x, y) },
  { name: 'mod', inputs: xy, fn: ({ x, y }) => tf.mod(x, tf.add(tf.abs(y), 0.5)) },
  {
    name: 'floorDiv',
    inputs: xy,
    fn: ({ x, y }) => tf.floorDiv(x, tf.add(tf.abs(y), 0.5)),
    noGradient: INTEGERS,
  },
  {
    name: 'floorDiv of integers',
    inputs: { x: { shape: [6], dtype: 'int32' } },
    fn: ({ x }) => tf.floorDiv(tf.sub(x, 7), tf.scalar(2, 'int32')),
    integers: 12,
    noGradient: INTEGERS,
  },
  { name: 'addN', inputs: { ...xy, z: x }, fn: ({ x, y, z }) => tf.addN([x, y, z]) },
  {
    name: 'comparisons',
    inputs: { x: { shape: [8], dtype: 'int32' }, y: { shape: [8], dtype: 'int32' } },
    fn: ({ x, y }) => [
      tf.equal(x, y),
      tf.notEqual(x, y),
      tf.greater(x, y),
      tf.greaterEqual(x, y),
      tf.less(x, y),
      tf.lessEqual(x, y),
    ],
    noGradient: INTEGERS,
  },
  {
    name: 'logic',
    inputs: { x: { shape: [8], dtype: 'bool' }, y: { shape: [8], dtype: 'bool' } },
    fn: ({ x, y }) => [tf.logicalAnd(x, y), tf.logicalOr(x, y), tf.logicalXor(x, y)],
    noGradient: INTEGERS,
  },
  {
    name: 'where',
    inputs: { ...xy, c: { ...x, dtype: 'bool' } },
    fn: ({ x, y, c }) => tf.where(c, x, tf.mul(y, 2)),
  },
  { name: 'prelu', inputs: { x, y: { shape: [4] } }, fn: ({ x, y }) => tf.prelu(x, y) },

  {
    name: 'sum',
    inputs: { x },
    fn: ({ x }) => [tf.sum(x), tf.sum(x, 1), tf.sum(x, [0, -1], true)],
  },
  {
    name: 'mean',
    inputs: { x },
    fn: ({ x }) => [tf.mean(x), tf.mean(x, -1, true), tf.mean(x, [0, 1])],
  },
  { name: 'max', inputs: { x }, fn: ({ x }) => [tf.max(x), tf.max(x, 1, true)] },
  { name: 'min', inputs: { x }, fn: ({ x }) => [tf.min(x), tf.min(x, [1, 2])] },
  {
    name: 'prod',
    inputs: { x },
    fn: ({ x }) => tf.prod(x, 2),
    noGradient: 'it needs cumprod, for which ONNX has no operator',
  },
  { name: 'moments', inputs: { x }, fn: ({ x }) => Object.values(tf.moments(x, [1, 2], true)) },
  { name: 'norm', inputs: { x }, fn: ({ x }) => tf.norm(x, 2, -1) },
  {
    name: 'all and any',
    inputs: { x: { shape: [3, 4], dtype: 'bool' } },
    fn: ({ x }) => [tf.all(x, 1), tf.any(x), tf.any(x, 0, true)],
    noGradient: INTEGERS,
  },
  {
    name: 'argMax and argMin',
    inputs: { x },
    fn: ({ x }) => [tf.argMax(x, -1), tf.argMin(x, 1)],
    noGradient: INTEGERS,
  },
  { name: 'softmax', inputs: { x }, fn: ({ x }) => tf.softmax(x) },
  { name: 'logSoftmax', inputs: { x }, fn: ({ x }) => tf.logSoftmax(x) },
  { name: 'logSumExp', inputs: { x }, fn: ({ x }) => tf.logSumExp(x, -1) },
  { name: 'cumsum', inputs: { x }, fn: ({ x }) => [tf.cumsum(x, 2), tf.cumsum(x, 2, true, true)] },
  {
    name: 'cumsum of a middle axis',
    inputs: { x },
    fn: ({ x }) => tf.cumsum(x, 1),
    noGradient: 'TensorFlow.js 4.22 gives it the wrong shape',
  },

  { name: 'reshape', inputs: { x }, fn: ({ x }) => tf.reshape(tf.reshape(x, [-1]), [4, 6]) },
  {
    name: 'expandDims and squeeze',
    inputs: { x },
    fn: ({ x }) => tf.squeeze(tf.expandDims(x, -1), [3]),
  },
  {
    name: 'transpose',
    inputs: { x },
    fn: ({ x }) => [tf.transpose(x), tf.transpose(x, [1, 0, 2])],
  },
  { name: 'slice', inputs: { x }, fn: ({ x }) => tf.slice(x, [0, 1, 2], [-1, 2, 1]) },
  { name: 'reverse', inputs: { x }, fn: ({ x }) => tf.reverse(x, [0, 2]) },
  {
    name: 'concat',
    inputs: xy,
    fn: ({ x, y }) => [tf.concat([x, y], 1), tf.concat([x, y, x], -1)],
  },
  { name: 'stack', inputs: xy, fn: ({ x, y }) => tf.stack([x, y], 1) },
  { name: 'unstack', inputs: { x }, fn: ({ x }) => tf.unstack(x, 1) },
  {
    name: 'split',
    inputs: { x },
    fn: ({ x }) => [...tf.split(x, 2, 2), ...tf.split(x, [1, -1], 1)],
  },
  {
    name: 'pad',
    inputs: { x },
    fn: ({ x }) =>
      tf.pad(x, [
        [1, 0],
        [0, 2],
        [0, 0],
      ]),
  },
  {
    name: 'pad with a value',
    inputs: { x },
    fn: ({ x }) =>
      tf.pad(
        x,
        [
          [0, 0],
          [1, 1],
          [2, 0],
        ],
        3,
      ),
  },
  {
    name: 'mirrorPad',
    inputs: { x },
    fn: ({ x }) =>
      tf.mirrorPad(
        x,
        [
          [0, 0],
          [1, 1],
          [2, 0],
        ],
        'reflect',
      ),
    noGradient: 'TensorFlow.js differentiates it by slicing, which drops the mirrored part',
  },
  { name: 'tile', inputs: { x }, fn: ({ x }) => tf.tile(x, [2, 1, 3]) },
  {
    name: 'broadcastTo',
    inputs: { x: { shape: [3, 1] } },
    fn: ({ x }) => tf.broadcastTo(x, [2, 3, 4]),
  },
  {
    name: 'gather',
    inputs: { x, i: { shape: [2, 2], dtype: 'int32' } },
    fn: ({ x, i }) => tf.gather(x, i, 1),
    integers: 3,
  },
  {
    name: 'gatherND',
    inputs: { x, i: { shape: [5, 2], dtype: 'int32' } },
    fn: ({ x, i }) => tf.gatherND(x, i),
    integers: 2,
    noGradient: 'TensorFlow.js has none',
  },
  {
    name: 'oneHot',
    inputs: { i: { shape: [2, 3], dtype: 'int32' } },
    fn: ({ i }) => [tf.oneHot(i, 4), tf.oneHot(i, 3, 2, -1)],
    noGradient: INTEGERS,
  },
  {
    name: 'unsortedSegmentSum',
    inputs: { x: { shape: [5, 2] }, i: { shape: [5], dtype: 'int32' } },
    fn: ({ x, i }) => tf.unsortedSegmentSum(x, i, 4),
  },
  {
    name: 'numbers made inside',
    inputs: { x: { shape: [4] } },
    fn: ({ x }) => [
      tf.add(x, tf.range(0, 4)),
      tf.mul(x, tf.linspace(0, 1, 4)),
      tf.add(x, tf.mul(tf.onesLike(x), tf.sub(tf.fill([4], 2), tf.zerosLike(x)))),
      tf.fill([2, 2], 0.5),
      tf.mul(tf.ones([3, 4]), x),
      tf.cos(tf.add(tf.range(0, 4), 1)),
      tf.round(tf.div(tf.range(0, 4), 2)),
    ],
  },

  { name: 'matMul', inputs: { x, y: { shape: [2, 4, 5] } }, fn: ({ x, y }) => tf.matMul(x, y) },
  {
    name: 'matMul, first transposed',
    inputs: { x: { shape: [4, 3] }, y: { shape: [4, 5] } },
    fn: ({ x, y }) => tf.matMul(x, y, true),
  },
  {
    name: 'matMul, second transposed',
    inputs: { x, y: { shape: [2, 5, 4] } },
    fn: ({ x, y }) => tf.matMul(x, y, false, true),
  },
  {
    name: 'matMul, both transposed',
    inputs: { x: { shape: [2, 4, 3] }, y: { shape: [2, 5, 4] } },
    fn: ({ x, y }) => tf.matMul(x, y, true, true),
  },
  {
    name: 'fused matMul',
    inputs: { x: { shape: [3, 4] }, y: { shape: [4, 5] }, z: { shape: [5] } },
    fn: ({ x, y, z }) => tf.fused.matMul({ a: x, b: y, bias: z, activation: 'sigmoid' }),
  },
  {
    name: 'einsum',
    inputs: { x, y: { shape: [2, 5, 4] } },
    fn: ({ x, y }) => tf.einsum('bij,bkj->bik', x, y),
    noGradient: 'TensorFlow.js has none',
  },
  {
    name: 'conv2d',
    inputs: { x: { shape: [2, 5, 6, 3] }, y: { shape: [3, 3, 3, 2] } },
    fn: ({ x, y }) => tf.conv2d(x, y, 1, 'same'),
    noGradient: 'the derivative by the filter is not traced; by the image see below',
  },
  {
    name: 'conv2d with stride',
    inputs: { x: { shape: [1, 6, 6, 2] }, y: { shape: [3, 3, 2, 3] } },
    fn: ({ x, y }) => [tf.conv2d(x, y, 2, 'same'), tf.conv2d(x, y, 2, 'valid')],
    noGradient: 'the derivative by the filter is not traced; by the image see below',
  },
  {
    name: 'conv2d by the image',
    inputs: { x: { shape: [1, 6, 5, 2] } },
    fn: ({ x }) =>
      [1, 2].map((stride) =>
        tf.conv2d(x, tf.reshape(tf.range(0, 54), [3, 3, 2, 3]), stride, 'same'),
      ),
  },
  {
    name: 'conv2dTranspose',
    inputs: { x: { shape: [1, 3, 3, 2] }, y: { shape: [3, 3, 4, 2] } },
    fn: ({ x, y }) => tf.conv2dTranspose(x, y, [1, 6, 6, 4], 2, 'same'),
    noGradient: 'the derivative by the filter is not traced',
  },
  {
    name: 'fused conv2d',
    inputs: { x: { shape: [1, 4, 4, 2] }, y: { shape: [1, 1, 2, 3] }, z: { shape: [3] } },
    fn: ({ x, y, z }) =>
      tf.fused.conv2d({ x, filter: y, bias: z, strides: 1, pad: 'same', activation: 'relu' }),
    noGradient: 'the derivative by the filter is not traced',
  },
  {
    name: 'fused conv2d of long kernels, with strides and a bias of any shape',
    inputs: { x: { shape: [2, 7, 6, 2] }, y: { shape: [1, 5, 2, 3] }, z: { shape: [1] } },
    fn: ({ x, y, z }) => [
      tf.fused.conv2d({ x, filter: y, bias: z, strides: [2, 1], pad: 'same', activation: 'relu' }),
      tf.fused.conv2d({ x, filter: tf.transpose(y, [1, 0, 2, 3]), strides: [1, 2], pad: 'valid' }),
    ],
    noGradient: 'the derivative by the filter is not traced',
  },
  {
    name: 'avgPool',
    inputs: { x: { shape: [2, 5, 6, 3] } },
    fn: ({ x }) => [
      tf.avgPool(x, 3, 1, 'same'),
      tf.avgPool(x, [3, 2], [2, 1], 'same'),
      tf.avgPool(x, 3, 2, 'valid'),
      tf.avgPool(x, 2, 2, 1, 'floor'),
    ],
    noGradient: NO_POOL_GRADIENT,
  },
  {
    name: 'maxPool',
    inputs: { x: { shape: [2, 5, 6, 3] } },
    fn: ({ x }) => [
      tf.maxPool(x, 3, 1, 'same'),
      tf.maxPool(x, [3, 2], [2, 1], 'same'),
      tf.maxPool(x, 3, 2, 'valid'),
      tf.maxPool(x, 2, 2, 1, 'floor'),
    ],
    noGradient: NO_POOL_GRADIENT,
  },
  {
    name: 'resizeBilinear by any factor',
    inputs: { x: { shape: [2, 5, 4, 3] } },
    fn: ({ x }) => [
      tf.image.resizeBilinear(x, [7, 3]),
      tf.image.resizeBilinear(x, [15, 9]),
      tf.image.resizeBilinear(x, [8, 9], false, true),
      tf.image.resizeBilinear(x, [9, 7], true),
      tf.image.resizeBilinear(x, [2, 2], true),
    ],
    noGradient: 'the gradient of resizing by interpolation is not traced',
  },
  {
    // One image: beyond the first the gradient of the cpu backend of TensorFlow.js 4.22 is wrong.
    name: 'resizeNearestNeighbor',
    inputs: { x: { shape: [1, 3, 4, 2] } },
    fn: ({ x }) => tf.image.resizeNearestNeighbor(x, [6, 12]),
  },
  {
    name: 'resizeNearestNeighbor by any factor',
    inputs: { x: { shape: [1, 5, 4, 2] } },
    fn: ({ x }) => [
      tf.image.resizeNearestNeighbor(x, [7, 3]),
      tf.image.resizeNearestNeighbor(x, [8, 9], false, true),
      tf.image.resizeNearestNeighbor(x, [9, 7], true),
    ],
    noGradient: 'only by whole factors',
  },
];

/** Kernels that no case above runs forward, and where they are tested instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  EluGrad: 'gradient of elu',
  Conv2DBackpropInput: 'gradient of conv2d',
  ResizeNearestNeighborGrad: 'gradient of resizeNearestNeighbor',
};

/** A fixed, irregular sequence in [0, 1). */
function fraction(i: number, salt: number): number {
  return ((((i + 1) * 0.61803398875 + salt * 0.754877666) % 1) + 1) % 1;
}

function valuesOf({ shape, dtype = 'float32' }: TensorSpec, salt: number, test: Case): GraphArray {
  const size = shape.reduce((a, b) => a * b, 1);
  const [low, high] = test.range ?? [-2, 2];
  const bound = dtype === 'bool' ? 2 : (test.integers ?? 4);
  const at = (i: number) =>
    dtype === 'float32'
      ? low + (high - low) * fraction(i, salt)
      : Math.floor(bound * fraction(i, salt));
  const array = Array.from({ length: size }, (_, i) => at(i));
  if (dtype === 'int32') return Int32Array.from(array);
  return dtype === 'bool' ? Uint8Array.from(array) : Float32Array.from(array);
}

function named(results: tf.Tensor | tf.Tensor[]): TensorRecord {
  return Object.fromEntries([results].flat().map((result, i) => [`y${i}`, result]));
}

/** The derivatives of `<results, weights>` by every float input, with weights that differ from element to element. */
function gradientOf({ fn, inputs }: Case) {
  return (tensors: TensorRecord): TensorRecord => {
    const floats = Object.keys(inputs).filter(
      (name) => (inputs[name]?.dtype ?? 'float32') === 'float32',
    );
    const loss = (...args: tf.Tensor[]): tf.Tensor => {
      const given = Object.fromEntries(floats.map((name, i) => [name, args[i] as tf.Tensor]));
      const terms = [fn({ ...tensors, ...given })].flat().map((y) => {
        const weights = tf.reshape(tf.cos(tf.range(0, y.size)), y.shape);
        return tf.sum(tf.mul(y, weights));
      });
      return terms.reduce((a, b) => tf.add(a, b));
    };
    const results = tf.grads(loss)(floats.map((name) => tensors[name] as tf.Tensor));
    return Object.fromEntries(floats.map((name, i) => [`d${name}`, results[i] as tf.Tensor]));
  };
}

async function compare(
  test: Case,
  fn: (inputs: TensorRecord) => TensorRecord,
  prepare: typeof fuseGraph = (graph) => graph,
): Promise<void> {
  const specs = Object.entries(test.inputs);
  const arrays = Object.fromEntries(
    specs.map(([name, spec], salt) => [name, valuesOf(spec, salt + 1, test)]),
  );
  const tensors = Object.fromEntries(
    specs.map(([name, { shape, dtype = 'float32' }]) => [
      name,
      tf.tensor(arrays[name] as Float32Array, [...shape], dtype),
    ]),
  );
  const expected = tf.tidy(() => fn(tensors) as Record<string, tf.Tensor>);
  const graph = prepare(traceFunction({ fn, inputs: test.inputs }));
  const actual = await runGraph(graph, arrays);
  for (const [name, tensor] of Object.entries(expected)) {
    const output = graph.outputs.find((candidate) => candidate.name === name);
    expect(output?.shape).toEqual(tensor.shape);
    expect(output?.dtype).toBe(tensor.dtype);
    expectClose(actual[name] ?? [], await tensor.data(), TOLERANCE);
  }
  tf.dispose([tensors, expected]);
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  await ensureGradients();
});

describe('traced kernels equal those of the cpu backend', () => {
  it.each(cases)('$name', async (test) => {
    await compare(test, (inputs) => named(test.fn(inputs)));
    await compare(test, (inputs) => named(test.fn(inputs)), fuseGraph);
  });
});

describe('traced gradients equal those of the cpu backend', () => {
  it.each(cases.filter(({ noGradient }) => !noGradient))('$name', async (test) => {
    await compare(test, gradientOf(test));
    await compare(test, gradientOf(test), fuseGraph);
  });
});

it('has a case for every kernel', async () => {
  const used = new Set(Object.keys(ELSEWHERE));
  for (const test of cases) {
    const profile = await tf.profile(() => {
      const tensors = Object.entries(test.inputs).map(([name, spec], salt) => [
        name,
        tf.tensor(
          valuesOf(spec, salt + 1, test) as Float32Array,
          [...spec.shape],
          spec.dtype ?? 'float32',
        ),
      ]);
      return tf.tidy(() => test.fn(Object.fromEntries(tensors)));
    });
    for (const { name } of profile.kernels) used.add(name);
  }
  expect(Object.keys(traceKernels).filter((name) => !used.has(name))).toEqual([]);
});

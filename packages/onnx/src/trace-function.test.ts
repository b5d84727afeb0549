import { InvalidArgumentError, UnsupportedError } from '@harmonica/core';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeEach, describe, expect, it } from 'vitest';
import { graphKey } from './canonical-graph.js';
import { traceFunction } from './trace-function.js';
import { readWeight } from './weight-store.js';

const inputs = { x: { shape: [2, 3] } };

/** Names of the registered backends. */
function backends(): string[] {
  return Object.keys((tf.engine() as unknown as { registryFactory: object }).registryFactory);
}

describe('traceFunction', () => {
  beforeEach(async () => {
    await tf.setBackend('cpu');
  });

  it('records what the function does, without doing it', () => {
    const graph = traceFunction({
      inputs,
      fn: ({ x }) => ({ y: tf.tanh(tf.add(x as tf.Tensor, 1)) }),
    });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Add', 'Tanh']);
    expect(graph.inputs).toEqual([{ name: 'x', shape: [2, 3], dtype: 'float32' }]);
    expect(graph.outputs).toMatchObject([{ name: 'y', shape: [2, 3], dtype: 'float32' }]);
    expect(graph.constants).toMatchObject([{ shape: [], values: Float32Array.of(1) }]);
  });

  it('records tensors from outside by reference and leaves them where they are', async () => {
    const values = Float32Array.from({ length: 12 }, (_, i) => i);
    const weight = tf.tensor2d(values, [3, 4]);
    const twice = tf.reshape(weight, [4, 3]);
    const graph = traceFunction({
      inputs,
      fn: ({ x }) => ({
        y: tf.matMul(tf.matMul(x as tf.Tensor2D, weight), weight.clone(), false, true),
        z: tf.matMul(x as tf.Tensor2D, twice, false, true),
      }),
    });
    expect(graph.weights.map(({ dataId }) => dataId)).toEqual([weight.dataId]);
    expect(await readWeight(weight.dataId)).toBe(values);
    expect(weight.dataSync()).toBe(values);
    expect(Array.from(tf.add(weight, 1).dataSync())).toEqual(Array.from(values, (v) => v + 1));
    tf.dispose([weight, twice]);
  });

  it('drops inputs and nodes that the results do not depend on', () => {
    const graph = traceFunction({
      inputs: { ...inputs, unused: { shape: [5] } },
      fn: ({ x, unused }) => {
        tf.exp(unused as tf.Tensor);
        return { y: tf.neg(x as tf.Tensor) };
      },
    });
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Neg']);
  });

  it('works numbers out while tracing', () => {
    const graph = traceFunction({
      inputs,
      fn: ({ x }) => {
        const scale = tf.sqrt(tf.add(tf.scalar(3), tf.mul(tf.scalar(2), 0.5)));
        expect(Array.from(scale.dataSync())).toEqual([2]);
        expect(Array.from(tf.fill([2], 7).dataSync())).toEqual([7, 7]);
        return { y: tf.mul(x as tf.Tensor, scale) };
      },
    });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Mul']);
    expect(graph.constants).toMatchObject([{ values: Float32Array.of(2) }]);
  });

  it('gives equal keys to functions that differ in weights and names only', () => {
    const [a, b, small] = [tf.ones([3, 4]), tf.zeros([3, 4]), tf.zeros([3, 2])];
    const key = (weight: tf.Tensor, name: string, factor = 2) =>
      graphKey(
        traceFunction({
          inputs: { [name]: { shape: [2, 3] } },
          fn: (given) => ({
            [`of ${name}`]: tf.mul(tf.matMul(given[name] as tf.Tensor, weight), factor),
          }),
        }),
      );
    expect(key(a, 'x')).toBe(key(b, 'other'));
    expect(key(a, 'x')).not.toBe(key(a, 'x', 3));
    expect(key(a, 'x')).not.toBe(key(small, 'x'));
    tf.dispose([a, b, small]);
  });

  it.each([
    {
      name: 'a kernel that cannot be traced',
      fn: ({ x }: Record<string, tf.Tensor>) => ({ y: tf.cumprod(x as tf.Tensor, 1) }),
      error: UnsupportedError,
      message: /the TensorFlow.js kernel Cumprod/,
    },
    {
      name: 'a value that is read',
      fn: ({ x }: Record<string, tf.Tensor>) => ({
        y: tf.mul(x as tf.Tensor, (x as tf.Tensor).dataSync()[0] ?? 0),
      }),
      error: UnsupportedError,
      message: /reading a value/,
    },
    {
      name: 'a tensor that is kept',
      fn: ({ x }: Record<string, tf.Tensor>) => ({ y: tf.keep(tf.neg(x as tf.Tensor)) }),
      error: InvalidArgumentError,
      message: /keeps 1 tensor/,
    },
    {
      name: 'a trace within a trace',
      fn: ({ x }: Record<string, tf.Tensor>) => {
        traceFunction({ inputs, fn: () => ({ y: tf.scalar(1) }) });
        return { y: tf.neg(x as tf.Tensor) };
      },
      error: UnsupportedError,
      message: /tracing within a traced function/,
    },
    {
      name: 'strings',
      fn: () => ({ y: tf.tensor(['a', 'b']) }),
      error: UnsupportedError,
      message: /tensors of type string/,
    },
  ])('explains an error and leaves everything as it was: $name', ({ fn, error, message }) => {
    const before = { ...tf.memory(), backends: backends() };
    expect(() => traceFunction({ inputs, fn })).toThrow(error);
    expect(() => traceFunction({ inputs, fn })).toThrow(message);
    expect(tf.getBackend()).toBe('cpu');
    expect(backends()).toEqual(before.backends);
  });

  it('leaks no tensor', () => {
    const weight = tf.ones([3, 3]);
    const before = tf.memory();
    traceFunction({
      inputs,
      fn: ({ x }) => ({ y: tf.softmax(tf.matMul(x as tf.Tensor, weight)) }),
    });
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
    weight.dispose();
  });

  it('returns errors of the function itself as they are', () => {
    const mistake = new RangeError('mine');
    const fn = () => {
      throw mistake;
    };
    expect(() => traceFunction({ inputs, fn })).toThrow(mistake);
    expect(tf.getBackend()).toBe('cpu');
  });
});

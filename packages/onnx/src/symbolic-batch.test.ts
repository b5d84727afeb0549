import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TracedGraph } from './graph.js';
import { PROBE_BATCHES, shapeAt, symbolicBatch } from './symbolic-batch.js';
import { traceFunction } from './trace-function.js';

/** The graph of a function of x, `[batch, 4, 6]`, for any batch size. */
function anyBatch(fn: (x: tf.Tensor) => tf.Tensor): TracedGraph | undefined {
  const [small, large] = PROBE_BATCHES.map((batch) =>
    traceFunction({
      inputs: { x: { shape: [batch, 4, 6] } },
      fn: ({ x }) => ({ y: fn(x as tf.Tensor) }),
    }),
  ) as [TracedGraph, TracedGraph];
  return symbolicBatch(small, large);
}

describe('symbolicBatch', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('leaves the batch size of shapes open', () => {
    const graph = anyBatch((x) => tf.reshape(x, [-1, 6]));
    expect(graph?.inputs[0]?.shape).toEqual([-1, 4, 6]);
    expect(graph?.outputs[0]?.shape).toEqual([-4, 6]);
    expect(Array.from(graph?.constants[0]?.values ?? [], Number)).toEqual([-1, 6]);
  });

  it('keeps shapes that have nothing to do with the batch', () => {
    const graph = anyBatch((x) => tf.sum(tf.transpose(x, [1, 2, 0]), [1, 2]));
    expect(graph?.outputs[0]?.shape).toEqual([4]);
  });

  it.each([
    { name: 'a number of steps', fn: (x: tf.Tensor) => tf.addN(tf.unstack(x, 0)) },
    { name: 'a number', fn: (x: tf.Tensor) => tf.mul(x, x.shape[0] as number) },
    {
      name: 'two dimensions of one shape',
      fn: (x: tf.Tensor) =>
        tf.reshape(tf.matMul(tf.reshape(x, [-1, 6]), tf.reshape(x, [-1, 6]), false, true), [
          x.shape[0] as number,
          4,
          x.shape[0] as number,
          4,
        ]),
    },
    { name: 'the size of a fill', fn: (x: tf.Tensor) => tf.fill(x.shape.slice(0, 1), 2) },
  ])('gives up where $name depends on the batch size', ({ fn }) => {
    expect(anyBatch(fn)).toBeUndefined();
  });

  it('works sizes out for a batch size', () => {
    expect(shapeAt([-1, 4, -6, 2], 5)).toEqual([5, 4, 30, 2]);
  });
});

import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { expect, it } from 'vitest';
import { runGraph } from '../test/run-graph.js';
import { composeGraphs } from './compose-graphs.js';
import { traceFunction } from './trace-function.js';

it('runs graphs after each other on one state', async () => {
  await tf.setBackend('cpu');
  const weight = tf.tensor1d([10, 20]);
  const step = (factor: number, keep: boolean) =>
    traceFunction({
      inputs: { 'state.x': { shape: [2] }, 'context.c': { shape: [2] }, 'rate.0': { shape: [] } },
      fn: (inputs) => {
        const output = tf.mul(inputs['context.c'] as tf.Tensor, inputs['rate.0'] as tf.Tensor);
        const scaled = tf.mul(tf.add(output, weight), factor);
        const state = { 'state.x': tf.add(inputs['state.x'] as tf.Tensor, scaled) };
        return keep ? { ...state, 'output.0': output } : state;
      },
    });
  const graph = composeGraphs([step(1, false), step(-1, true), step(2, false)]);
  expect(graph.inputs.map(({ name }) => name)).toEqual([
    'state.x',
    'context.c',
    'rate.0',
    'rate.1',
    'rate.2',
  ]);
  expect(graph.weights).toHaveLength(1);
  const results = await runGraph(
    { ...graph, outputs: graph.outputs.map((o) => ({ ...o, name: `new ${o.name}` })) },
    {
      'state.x': Float32Array.of(1, 2),
      'context.c': Float32Array.of(3, 4),
      'rate.0': Float32Array.of(5),
      'rate.1': Float32Array.of(6),
      'rate.2': Float32Array.of(7),
    },
  );
  expect(Array.from(results['new state.x'] ?? [])).toEqual([1 + 25 - 28 + 62, 2 + 40 - 44 + 96]);
  expect(Array.from(results['new output.1'] ?? [])).toEqual([18, 24]);
  expect(Object.keys(results).sort()).toEqual(['new output.1', 'new state.x']);
  weight.dispose();
});

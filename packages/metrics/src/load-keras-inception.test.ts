import { CheckpointError } from '@harmonica/core';
import type { io } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { loadKerasInception } from './load-keras-inception.js';

/** A layers model of these tensors, without values of interest. */
function modelOf(weights: Readonly<Record<string, number[]>>): io.ModelArtifacts {
  const weightSpecs = Object.entries(weights).map(([name, shape]) => ({
    name,
    shape,
    dtype: 'float32' as const,
  }));
  const size = Object.values(weights).reduce(
    (sum, shape) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
  return { weightSpecs, weightData: new ArrayBuffer(4 * size) };
}

const top = { 'predictions/kernel': [2048, 5], 'predictions/bias': [5] };

it.each<[string, Readonly<Record<string, number[]>>, string]>([
  [
    'a model without a classifier',
    { 'conv2d/kernel': [3, 3, 3, 32] },
    'has dense layers none where a chain',
  ],
  [
    'two classifiers',
    { ...top, 'other/kernel': [2048, 5] },
    'has dense layers [2048, 5], [2048, 5] where',
  ],
  [
    'another network',
    { ...top, 'conv2d/kernel': [3, 3, 3, 64] },
    'conv2d/kernel has shape [3, 3, 3, 64] where [3, 3, 3, 32] is expected',
  ],
  ['a network that ends early', top, 'conv2d (number 1)/kernel is missing'],
])('refuses %s', async (_, weights, message) => {
  const loading = loadKerasInception({ artifacts: modelOf(weights), name: 'Mine' });
  await expect(loading).rejects.toBeInstanceOf(CheckpointError);
  await expect(loading).rejects.toThrow(message);
});

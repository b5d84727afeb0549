import '@tensorflow/tfjs-backend-cpu';
import { type Tensor1D, type Tensor4D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { randomTensor } from '../../test/derivative.js';
import { classLabels, forward } from '../layers/stream.js';
import { ditConfig } from './dit.js';
import { randomDit } from './dit-family.js';

const CONFIG = ditConfig('DiT-S/8', {
  depth: 2,
  hiddenSize: 24,
  heads: 2,
  inputSize: 16,
  numClasses: 10,
});

function outputOf(seed: number): Float32Array {
  const backbone = randomDit({ config: CONFIG, seed });
  const output = tidy(() =>
    forward({
      backbone,
      latent: randomTensor(5, [1, 16, 16, 4]) as Tensor4D,
      time: tensor1d([500]) as Tensor1D,
      condition: classLabels({ config: CONFIG, labels: [7] }),
    }).dataSync(),
  );
  backbone.dispose();
  return output as Float32Array;
}

it('gives the same model for the same seed and another for another', () => {
  expect(outputOf(1)).toEqual(outputOf(1));
  expect(outputOf(1)).not.toEqual(outputOf(2));
});

it('keeps activations near unit scale', () => {
  const output = outputOf(1);
  const variance = output.reduce((sum, v) => sum + v * v, 0) / output.length;
  expect(Math.sqrt(variance)).toBeGreaterThan(0.3);
  expect(Math.sqrt(variance)).toBeLessThan(5);
});

import '@tensorflow/tfjs';
import { type Tensor4D, tensor1d } from '@tensorflow/tfjs-core';
import { describeBackbone } from '../../test/backbone-contract.js';
import { randomTensor } from '../../test/derivative.js';
import { classLabels } from '../layers/stream.js';
import { randomSit, sitConfig } from './sit.js';

const config = sitConfig('SiT-S/2', {
  depth: 1,
  hiddenSize: 16,
  heads: 2,
  inputSize: 4,
  numClasses: 3,
});

describeBackbone({
  name: 'SiT',
  create: () => randomSit({ config, seed: 1 }),
  input: (batch) => ({
    latent: randomTensor(2, [batch, 4, 4, 4]) as Tensor4D,
    time: tensor1d([0.8, 0.2, 0].slice(0, batch)),
    condition: classLabels({ config, labels: [2, 3, 0].slice(0, batch) }),
  }),
});

import '@tensorflow/tfjs';
import {
  computeAction,
  createEagerExecutor,
  type Stream,
  type StreamHandle,
} from '@harmonica/core';
import {
  dispose,
  fill,
  grad,
  ones,
  type Tensor,
  type Tensor4D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { describeBackbone } from '../../test/backbone-contract.js';
import { randomTensor } from '../../test/derivative.js';
import { relativeError } from '../../test/fixture.js';
import { classLabels } from '../layers/stream.js';
import { uvitConfig } from './uvit-config.js';
import { randomUvit } from './uvit-family.js';

const SMALL = { depth: 4, hiddenSize: 16, heads: 2, inputSize: 4 };
const labelled = uvitConfig('imagenet256_uvit_large', { ...SMALL, numClasses: 3 });
const captioned = uvitConfig('mscoco_uvit_small', {
  ...SMALL,
  depth: 2,
  captionTokens: 3,
  captionChannels: 6,
});
const times = (batch: number) => tensor1d([800, 20, 3].slice(0, batch));

describeBackbone({
  name: 'U-ViT with labels',
  create: () => randomUvit({ config: labelled, seed: 1 }),
  input: (batch) => ({
    latent: randomTensor(2, [batch, 4, 4, 4]) as Tensor4D,
    time: times(batch),
    condition: classLabels({ config: labelled, labels: [2, 3, 0].slice(0, batch) }),
  }),
});

describeBackbone({
  name: 'U-ViT with captions',
  create: () => randomUvit({ config: captioned, seed: 1 }),
  input: (batch) => ({
    latent: randomTensor(2, [batch, 4, 4, 4]) as Tensor4D,
    time: times(batch),
    condition: { caption: randomTensor(3, [batch, 3, 6]) },
  }),
});

describe('the long skips of a U-ViT', () => {
  const backbone = randomUvit({ config: labelled, seed: 1 });
  afterAll(() => backbone.dispose());

  it('are saved in the first half and read, latest first, before the second', () => {
    tidy(() => {
      const condition = classLabels({ config: labelled, labels: [1] });
      const latent = randomTensor(2, [1, 4, 4, 4]) as Tensor4D;
      let stream = backbone.begin(latent, times(1), condition);
      const saved: Tensor[] = [];
      for (const branch of backbone.spec.branches) {
        const output = backbone.compute(branch, stream);
        const state = backbone.merge(branch, stream, output);
        if (branch.kind === 'mlp' && branch.block < 2) {
          saved.unshift(state.tokens as Tensor);
          const entries = saved.map((_, i) => state[`skip.${i}`]?.dataSync());
          expect(entries).toEqual(saved.map((each) => each.dataSync()));
        }
        if (branch.kind === 'mlp' && branch.block === 2) {
          expect(state['skip.0']?.dataSync()).toEqual(saved[1]?.dataSync());
        }
        stream = { ...stream, state };
      }
      expect(saved).toHaveLength(2);
    });
  });
});

describe('derivatives that an executor carries through a U-ViT, branch by branch', () => {
  const backbone = randomUvit({ config: labelled, seed: 3 });
  const condition = classLabels({ config: labelled, labels: [1, 2] });
  const latent = randomTensor(2, [2, 4, 4, 4]) as Tensor4D;
  afterAll(() => {
    backbone.dispose();
    dispose([latent, ...Object.values(condition)]);
  });

  it('are those of the whole chain of branches, with the way through its skips', async () => {
    const expected = tidy(() => {
      const { state, context } = backbone.begin(latent, fill([2], 40), condition);
      const chain = (tokens: Tensor): Tensor =>
        backbone.end(
          backbone.spec.branches.reduce<Stream>(
            (stream, branch) => ({
              context,
              state: backbone.merge(branch, stream, backbone.compute(branch, stream)),
            }),
            { context, state: { ...state, tokens } },
          ),
        );
      return grad(chain)(state.tokens as Tensor, ones([2, 4, 4, 4]));
    });
    const actual = await gradientByBranches();
    expect(relativeError(actual, expected.dataSync())).toBeLessThan(1e-5);
    expected.dispose();
  });

  /** By the tokens before the first branch, of the sum of the output. */
  async function gradientByBranches(): Promise<Float32Array> {
    const executor = createEagerExecutor(backbone);
    const streams = [await executor.begin({ latent, time: 40, condition })];
    const actions = backbone.spec.branches.map(({ index }) => computeAction(index, false));
    for (const action of actions) {
      const { stream } = await executor.advance(streams.at(-1) as StreamHandle, [action]);
      streams.push(stream);
    }
    const upstream: Tensor4D = ones([2, 4, 4, 4]);
    let gradient = await executor.endVjp(streams.pop() as StreamHandle, upstream);
    for (const action of actions.toReversed()) {
      const result = await executor.vjp(streams.pop() as StreamHandle, action, gradient);
      gradient = result.gradient;
    }
    const values = (await executor.read(gradient)).dataSync<'float32'>().slice();
    upstream.dispose();
    await executor.dispose();
    return values;
  }
});

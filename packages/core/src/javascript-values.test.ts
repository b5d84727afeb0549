import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import {
  copyRegisteredKernels,
  dispose,
  memory,
  randomNormal,
  registerBackend,
  setBackend,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guidedHalf } from './guidance.js';
import { channelRange, javascriptValues, linearCombination } from './linear-combination.js';

// The kernels of the backend in JavaScript under another name: where plain loops do not know it, ops run.
beforeAll(() => {
  copyRegisteredKernels('cpu', 'ops');
  registerBackend('ops', () => new MathBackendCPU());
});
afterAll(() => setBackend('cpu'));

const SHAPE: [number, number, number, number] = [4, 3, 5, 8];

/** The values of a result on both backends, from the same random tensors. */
async function onBoth(make: (x: Tensor4D, y: Tensor4D, z: Tensor4D) => Tensor4D) {
  const results: (readonly [shape: number[], values: Float32Array])[] = [];
  for (const backend of ['cpu', 'ops']) {
    await setBackend(backend);
    const result = tidy(() => {
      const draw = (seed: number) => randomNormal(SHAPE, 0, 1, 'float32', seed) as Tensor4D;
      return make(draw(1), draw(2), draw(3));
    });
    results.push([result.shape, result.dataSync<'float32'>()]);
    result.dispose();
  }
  return results;
}

describe('plain loops give the numbers of ops, bit for bit', () => {
  it.each([1, 2, 3])('a linear combination of %i tensors', async (count) => {
    const [loops, ops] = await onBoth((x, y, z) => {
      const [first, ...rest] = [
        [0.3, x],
        [-1.7, y],
        [1e-3, z],
      ].slice(0, count) as [[number, Tensor4D]];
      return linearCombination(first, ...rest);
    });
    expect(loops).toEqual(ops);
  });

  it.each([
    [0, 4],
    [4, 4],
    [2, 3],
  ])('%i and on, %i channels', async (begin, count) => {
    const [loops, ops] = await onBoth((x) => channelRange(x, begin, count));
    expect(loops?.[0]).toEqual([4, 3, 5, count]);
    expect(loops).toEqual(ops);
  });

  it.each([1, 3, 8])('guidance of %i channels', async (channels) => {
    const [loops, ops] = await onBoth((x) => guidedHalf({ output: x, scale: 2.7, channels }));
    expect(loops?.[0]).toEqual([2, 3, 5, 8]);
    expect(loops).toEqual(ops);
  });
});

it('knows no values of other backends', async () => {
  await setBackend('ops');
  expect(javascriptValues(randomNormal([2]))).toBeUndefined();
});

it.each(['cpu', 'ops'])(
  'a linear combination leaves nothing but its sum on %s',
  async (backend) => {
    await setBackend(backend);
    const [x, y] = [0, 1].map((seed) => randomNormal(SHAPE, 0, 1, 'float32', seed) as Tensor4D);
    const before = memory().numTensors;
    const terms = [1, 2, 3].map((factor) => [factor, y as Tensor4D] as const);
    const sum = linearCombination([0.5, x as Tensor4D], ...terms);
    expect(memory().numTensors).toBe(before + 1);
    dispose([sum, x as Tensor4D, y as Tensor4D]);
  },
);

import '@tensorflow/tfjs-backend-cpu';
import { matMul, memory, mul, square, type Tensor, tensor2d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureGradients, gradientsOf } from './gradients.js';

const a = tensor2d([[1, 2]]);
const b = tensor2d([[3], [-1]]);
const c = tensor2d([[5, 7]]);
const values = (tensors: readonly Tensor[]) => tensors.map((each) => each.arraySync());

describe('gradientsOf', () => {
  beforeAll(() => ensureGradients());

  it('gives zeros by what the result does not depend on', () => {
    const f = (x: Tensor, y: Tensor): Tensor => matMul(square(x), mul(y, 2));
    const gradients = gradientsOf({ f, at: [a, b, c], upstream: tensor2d([[10]]) });
    // Of 10 sum 2 x^2 y: 40 x y by x, 20 x^2 by y.
    expect(values(gradients)).toEqual([[[120, -80]], [[20], [80]], [[0, 0]]]);
  });

  it('gives zeros by everything, if the result is fixed', () => {
    expect(values(gradientsOf({ f: () => square(c), at: [a, b] }))).toEqual([[[0, 0]], [[0], [0]]]);
  });

  it('gives the derivative by an argument that is the result itself', () => {
    const [first, second] = gradientsOf({ f: (x) => x, at: [a, b], upstream: c });
    expect(values([first as Tensor, second as Tensor])).toEqual([[[5, 7]], [[0], [0]]]);
    expect(first).not.toBe(c);
  });

  it('leaves nothing behind but its results', () => {
    const before = memory().numTensors;
    const gradients = gradientsOf({ f: (x) => square(x), at: [a, b] });
    expect(memory().numTensors).toBe(before + 2);
    for (const each of gradients) each.dispose();
    expect(memory().numTensors).toBe(before);
    expect(a.isDisposed || b.isDisposed || c.isDisposed).toBe(false);
  });
});

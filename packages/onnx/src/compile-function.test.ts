import { autoencoderKlConfig, randomAutoencoderKl } from '@harmonica/backbones';
import { DisposedError, UnsupportedError } from '@harmonica/core';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../test/close.js';
import { compileFunction } from './compile-function.js';

const options = { threads: 1 };

describe('compileFunction', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('runs a function on tensors, at any shape', async () => {
    const weight = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const double = compileFunction((x: tf.Tensor2D) => tf.mul(tf.matMul(x, weight), 2), options);
    const before = tf.memory().numTensors;
    for (const rows of [1, 3]) {
      const x = tf.ones([rows, 2]) as tf.Tensor2D;
      const y = await double(x);
      expect(y.shape).toEqual([rows, 2]);
      expect(Array.from(await y.data())).toEqual(
        Array.from({ length: rows }, () => [8, 12]).flat(),
      );
      tf.dispose([x, y]);
    }
    expect(tf.memory().numTensors).toBe(before);
    expect(Array.from(weight.dataSync())).toEqual([1, 2, 3, 4]);
    await double.dispose();
    weight.dispose();
  });

  it('keeps the structure and the types of results', async () => {
    const statistics = compileFunction(
      (x: tf.Tensor, labels: tf.Tensor) => ({
        largest: tf.argMax(x, 1),
        same: tf.equal(tf.argMax(x, 1), labels),
        input: x,
        constant: tf.scalar(7),
      }),
      options,
    );
    const pair = compileFunction((x: tf.Tensor) => [tf.neg(x), tf.exp(x)], options);
    const x = tf.tensor2d([1, 5, 2, 9, 3, 4], [2, 3]);
    const labels = tf.tensor1d([1, 2], 'int32');
    const { largest, same, input, constant } = await statistics(x, labels);
    expect([largest?.dtype, same?.dtype]).toEqual(['int32', 'bool']);
    expect(Array.from(largest?.dataSync() ?? [])).toEqual([1, 0]);
    expect(Array.from(same?.dataSync() ?? [])).toEqual([1, 0]);
    expect(Array.from(input?.dataSync() ?? [])).toEqual([1, 5, 2, 9, 3, 4]);
    expect(Array.from(constant?.dataSync() ?? [])).toEqual([7]);
    const [negative, power] = await pair(x);
    expect(negative?.dataSync()[3]).toBe(-9);
    expect(power?.dataSync()[0]).toBeCloseTo(Math.E, 5);
    await Promise.all([statistics.dispose(), pair.dispose()]);
    tf.dispose([x, labels, largest, same, input, constant, negative, power] as tf.Tensor[]);
  });

  it('decodes and encodes images', async () => {
    const config = autoencoderKlConfig({
      blockOutChannels: [8, 16],
      layersPerBlock: 1,
      normNumGroups: 4,
    });
    const vae = randomAutoencoderKl({ config, seed: 2 });
    const decode = compileFunction((x: tf.Tensor4D) => vae.decode(x), options);
    const encode = compileFunction((x: tf.Tensor4D) => ({ ...vae.encode(x) }), options);
    const latent = tf.randomNormal([2, 4, 4, 4], 0, 1, 'float32', 3) as tf.Tensor4D;
    const [expected, actual] = [vae.decode(latent), await decode(latent)];
    expectClose(await actual.data(), await expected.data(), 1e-5);
    const [eager, compiled] = [vae.encode(expected), await encode(expected)];
    for (const name of ['mean', 'logVariance'] as const) {
      expectClose(await (compiled[name] as tf.Tensor).data(), await eager[name].data(), 1e-5);
    }
    await Promise.all([decode.dispose(), encode.dispose()]);
    tf.dispose([latent, expected, actual, { ...eager }, { ...compiled }] as tf.TensorContainer);
    vae.dispose();
  });

  it('says what it cannot compile, and works again afterwards', async () => {
    const odd = compileFunction(
      (x: tf.Tensor) => (x.shape[0] === 1 ? tf.cumprod(x, 0) : tf.neg(x)),
      options,
    );
    const [one, two] = [tf.ones([1]), tf.ones([2])];
    await expect(odd(one)).rejects.toBeInstanceOf(UnsupportedError);
    const y = await odd(two);
    expect(Array.from(y.dataSync())).toEqual([-1, -1]);
    await odd.dispose();
    await expect(odd(two)).rejects.toBeInstanceOf(DisposedError);
    tf.dispose([one, two, y]);
  });
});

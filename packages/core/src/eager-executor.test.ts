import '@tensorflow/tfjs-backend-cpu';
import { type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { createEagerExecutor } from './eager-executor.js';
import { DisposedError, InvalidArgumentError } from './errors.js';
import { computeAction, type StreamHandle, type ValueHandle } from './executor.js';
import { createNoise } from './noise.js';
import { createTinyBackbone } from './tiny-backbone.js';

const backbone = createTinyBackbone();
afterAll(() => backbone.dispose());
const begin = (executor: ReturnType<typeof createEagerExecutor>): Promise<StreamHandle> =>
  executor.begin({
    latent: createNoise({ seeds: [1], latent: backbone.spec.latent }).initial(),
    time: 300,
    condition: { labels: tensor1d([1], 'int32') },
  });

describe('createEagerExecutor', () => {
  it('gives a score gradient that agrees with finite differences', async () => {
    const executor = createEagerExecutor(backbone);
    const first = await begin(executor);
    const { stream, outputs } = await executor.advance(first, [computeAction(0, true)]);
    const history = outputs as ValueHandle[];
    const end = async (score: number): Promise<Float32Array> => {
      const action = { branch: 0, score, history, coefficients: [1], keep: false };
      const next = await executor.advance(stream, [action]);
      return (await executor.end(next.stream)).data() as Promise<Float32Array>;
    };
    const action = { branch: 0, score: 0.6, history, coefficients: [1], keep: false };
    const after = await executor.advance(stream, [action]);
    const output = await executor.end(after.stream);
    const gradient = await executor.endVjp(after.stream, output);
    const { scoreGradient } = await executor.vjp(stream, action, gradient);
    const half = (values: Float32Array) => values.reduce((total, v) => total + (v * v) / 2, 0);
    const difference = (half(await end(0.61)) - half(await end(0.59))) / 0.02;
    expect(scoreGradient).toBeCloseTo(difference, 2);
  });

  it('refuses an unknown branch and a prediction without history', async () => {
    const executor = createEagerExecutor(backbone);
    const stream = await begin(executor);
    await expect(executor.advance(stream, [computeAction(99, false)])).rejects.toBeInstanceOf(
      InvalidArgumentError,
    );
    const empty = { branch: 0, score: 0, history: [], coefficients: [], keep: false };
    await expect(executor.advance(stream, [empty])).rejects.toThrowError(/at least one earlier/);
    const before = executor.liveHandles;
    const half = executor.advance(stream, [computeAction(0, true), { ...empty, branch: 1 }]);
    await expect(half).rejects.toBeInstanceOf(InvalidArgumentError);
    expect(executor.liveHandles).toBe(before);
  });

  it('refuses released handles and use after dispose', async () => {
    const executor = createEagerExecutor(backbone);
    const stream = await begin(executor);
    executor.release(stream);
    await expect(executor.end(stream)).rejects.toBeInstanceOf(DisposedError);
    await executor.dispose();
    await expect(begin(executor)).rejects.toBeInstanceOf(DisposedError);
  });

  it('reads a kept branch output', async () => {
    const executor = createEagerExecutor(backbone);
    const stream = await begin(executor);
    const { outputs } = await executor.advance(stream, [computeAction(0, true)]);
    const value: Tensor = await executor.read(outputs[0] as ValueHandle);
    expect(value.shape).toEqual([1, 16, 8]);
    expect(outputs[0]?.sizeBytes).toBe(16 * 8 * 4);
  });
});

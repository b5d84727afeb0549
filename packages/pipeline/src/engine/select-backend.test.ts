import { createEagerExecutor, type Executor, generate } from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import { createDdimPlan } from '@harmonica/samplers';
import { getBackend, setBackend, tensor1d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { BackendName } from './engines.js';
import { createExecutor, findPackage, selectBackend } from './select-backend.js';

async function sampleOn(make: () => Promise<Executor>): Promise<Float32Array> {
  const executor = await make();
  const labels = tensor1d([1], 'int32');
  const plan = createDdimPlan({ steps: 3 });
  const { latent } = await generate({ executor, plan, condition: { labels }, seeds: [5] });
  const values = (await latent.data()) as Float32Array;
  labels.dispose();
  latent.dispose();
  await executor.dispose();
  return values;
}

describe('selectBackend', () => {
  it.each([
    ['onnx', 'cpu'],
    ['wasm', 'wasm'],
    ['cpu', 'cpu'],
  ] as const)('makes the tensors of %s those of %s', async (name, tensors) => {
    const backend = await selectBackend({ name, threads: 1 });
    expect(backend).toMatchObject({ name, tensors });
    expect(getBackend()).toBe(tensors);
  });

  it('takes onnx by itself, where it is installed', async () => {
    expect(await selectBackend()).toMatchObject({ name: 'onnx', description: 'onnx (compiled)' });
  });

  it('has one package for onnx and webgpu', async () => {
    const backend = await selectBackend({ name: 'webgpu' });
    expect(backend).toMatchObject({ tensors: 'cpu', executionProvider: 'webgpu' });
  });

  it('runs tensorflow, or says what to install', async () => {
    const name = 'tensorflow';
    const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
    if ('name' in (await findPackage(packages))) {
      expect(await selectBackend({ name })).toMatchObject({ name });
      return;
    }
    const missing = selectBackend({ name });
    await expect(missing).rejects.toMatchObject({ code: 'engine', engine: name });
    await expect(missing).rejects.toThrow(`Install it: npm install ${packages[0]}`);
  });
});

describe('createExecutor', () => {
  it('gives the same samples on every engine', async () => {
    await setBackend('cpu');
    const backbone = createTinyBackbone();
    const expected = await sampleOn(async () => createEagerExecutor(backbone));
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const backend of ['cpu', 'onnx', 'wasm', 'auto'] satisfies BackendName[]) {
      const values = await sampleOn(() => createExecutor({ backbone, backend, threads: 1 }));
      const error = values.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - (expected[i] as number))),
        0,
      );
      expect(error / largest, backend).toBeLessThan(1e-5);
    }
    backbone.dispose();
  });

  it.each(['cpu', 'wasm', 'onnx'] as const)('lets timers run while %s samples', async (name) => {
    const backend = await selectBackend({ name, threads: 1 });
    const backbone = createTinyBackbone();
    let timers = 0;
    const steps: number[] = [];
    const timer = setInterval(() => {
      timers += 1;
    });
    const executor = await createExecutor({ backbone, backend });
    const labels = tensor1d([1], 'int32');
    const { latent } = await generate({
      executor,
      plan: createDdimPlan({ steps: 40 }),
      condition: { labels },
      seeds: [5],
      onStep: () => void steps.push(timers),
    });
    clearInterval(timer);
    expect(steps.at(-1)).toBeGreaterThan(steps[0] as number);
    latent.dispose();
    labels.dispose();
    await executor.dispose();
    backbone.dispose();
  });

  it('takes a backend that is ready', async () => {
    const backbone = createTinyBackbone();
    const backend = await selectBackend({ name: 'cpu' });
    const executor = await createExecutor({ backbone, backend });
    expect(executor.engine).toBe('tfjs cpu');
    await executor.dispose();
    backbone.dispose();
  });
});

import { AbortedError, CheckpointError, NonFiniteError, type WeightSource } from '@harmonica/core';
import { describe, expect, it, vi } from 'vitest';
import { formulaWeights } from '../test/formula-weights.js';
import { loadInception } from './load-inception.js';

const good = formulaWeights();

function refused(source: WeightSource): Promise<unknown> {
  return loadInception({ source }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('loadInception refuses, before it reads anything,', () => {
  it('a checkpoint without a tensor, by its name', async () => {
    const read = vi.fn(good.read);
    const missing = 'Mixed_6d.branch7x7dbl_3.bn.running_var';
    const names = good.names.filter((name) => name !== missing);
    const error = await refused({ ...good, names, read });
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error).toMatchObject({ path: 'formula.pth', key: missing });
    expect((error as Error).message).toContain(`${missing} is missing`);
    expect(read).not.toHaveBeenCalled();
  });

  it("torchvision's network of 1000 classes, by its classifier", async () => {
    const info: WeightSource['info'] = (name) =>
      name === 'fc.weight' ? { shape: [1000, 2048], dtype: 'f32' } : good.info(name);
    const error = await refused({ ...good, info });
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toContain(
      'fc.weight has shape [1000, 2048] where [1008, 2048] is expected',
    );
  });

  it('another model, with a list that ends', async () => {
    const error = await refused({ ...good, names: ['x_embedder.weight'] });
    expect((error as Error).message).toContain('; and 452 more');
  });
});

it('names a tensor with NaN', async () => {
  const read: WeightSource['read'] = async (name) =>
    name.endsWith('1a_3x3.bn.bias') ? new Float32Array(32).fill(Number.NaN) : good.read(name);
  const error = await refused({ ...good, read });
  expect(error).toBeInstanceOf(NonFiniteError);
  expect((error as Error).message).toContain('Conv2d_1a_3x3.bn.bias of formula.pth');
});

it('can be stopped, and says how far it is', async () => {
  const controller = new AbortController();
  const onProgress = vi.fn(() => controller.abort());
  const loading = loadInception({ source: good, onProgress, signal: controller.signal });
  await expect(loading).rejects.toBeInstanceOf(AbortedError);
  expect(onProgress.mock.calls).toEqual([
    [{ loaded: 1, total: 471, name: 'Conv2d_1a_3x3.conv.weight' }],
  ]);
});

it('refuses a tensor that the network has no place for', async () => {
  const names = [...good.names, 'AuxLogits.fc.weight'];
  const error = await refused({ ...good, names });
  expect((error as Error).message).toContain(
    'AuxLogits.fc.weight is not a parameter of the network',
  );
});

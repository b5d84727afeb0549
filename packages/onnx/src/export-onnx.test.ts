import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type Backbone,
  computeAll,
  createEagerExecutor,
  FileError,
  InvalidArgumentError,
} from '@harmonica/core';
import '@tensorflow/tfjs-backend-cpu';
import { add, matMul, setBackend, tensor1d, tensor2d, tensor4d } from '@tensorflow/tfjs-core';
import onnxProto from 'onnx-proto';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../test/close.js';
import { smallDit } from '../test/small-dit.js';
import { exportOnnx } from './export-onnx.js';
import { traceFunction } from './trace-function.js';

const { onnx } = onnxProto;

describe('exportOnnx', () => {
  let folder: string;
  let backbone: Backbone;
  beforeAll(async () => {
    await setBackend('cpu');
    folder = await mkdtemp(path.join(tmpdir(), 'export-onnx-'));
    backbone = smallDit(5);
  });
  afterAll(async () => {
    backbone.dispose();
    await rm(folder, { recursive: true });
  });

  /** The eager model's output. */
  async function expectedOutput(latent: Float32Array, labels: Int32Array): Promise<Float32Array> {
    const executor = createEagerExecutor(backbone);
    const input = {
      latent: tensor4d(latent, [labels.length, 4, 4, 4]),
      time: 321,
      condition: { labels: tensor1d(labels, 'int32') },
    };
    const runner = computeAll(executor);
    const stream = await runner.run(0, await executor.begin(input));
    const output = await executor.end(stream);
    const values = (await output.data()) as Float32Array;
    await executor.dispose();
    return values;
  }

  async function runModel(file: string, latent: Float32Array, labels: Int32Array) {
    const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3 });
    const batch = labels.length;
    const { output } = await session.run({
      latent: new ort.Tensor('float32', latent, [batch, 4, 4, 4]),
      time: new ort.Tensor('float32', new Float32Array(batch).fill(321), [batch]),
      'condition.labels': new ort.Tensor('int32', labels, [batch]),
    });
    const { inputNames, outputNames } = session;
    await session.release();
    return { values: output?.data as Float32Array, dims: output?.dims, inputNames, outputNames };
  }

  const latentOf = (batch: number) =>
    Float32Array.from({ length: batch * 64 }, (_, i) => Math.sin(i * 1.7));

  it.each([
    { name: 'one file', options: {} },
    { name: 'weights apart', options: { externalData: true } },
    { name: 'standard operators only', options: { contributedOperators: false } },
  ])('writes a model for any batch size that gives the same output: $name', async ({ options }) => {
    const file = path.join(folder, `${Object.keys(options).join() || 'plain'}.onnx`);
    const { paths, sizeBytes } = await exportOnnx({ backbone, path: file, ...options });
    expect(paths).toHaveLength('externalData' in options ? 2 : 1);
    expect(sizeBytes).toBeGreaterThan(0);
    for (const batch of [1, 2, 5]) {
      const latent = latentOf(batch);
      const labels = Int32Array.from({ length: batch }, (_, i) => i % 3);
      const actual = await runModel(file, latent, labels);
      expect(actual.inputNames).toEqual(['latent', 'time', 'condition.labels']);
      expect(actual.outputNames).toEqual(['output']);
      expect(actual.dims).toEqual([batch, 4, 4, 8]);
      expectClose(actual.values, await expectedOutput(latent, labels), 1e-5);
    }
    expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it('names values after their block, and keeps to the standard where asked', async () => {
    const file = path.join(folder, 'names.onnx');
    await exportOnnx({ backbone, path: file, contributedOperators: false });
    const model = onnx.ModelProto.decode(await readFile(file));
    const nodes = model.graph?.node ?? [];
    const scopes = new Set(nodes.map(({ name }) => name?.split('/')[0]));
    const blocks = [0, 1].flatMap((block) => [`block.${block}.attention`, `block.${block}.mlp`]);
    expect([...scopes].filter((scope) => scope?.startsWith('block'))).toEqual(blocks);
    expect(nodes.filter(({ domain }) => domain)).toEqual([]);
    expect(model.opsetImport).toMatchObject([{ domain: '' }]);
    const weights = model.graph?.initializer?.map(({ name }) => name) ?? [];
    expect(weights.filter((name) => name?.startsWith('block.1.mlp/weight'))).toHaveLength(4);
  });

  it('refuses an output with the name of an input', async () => {
    const graph = traceFunction({
      inputs: { x: { shape: [2] } },
      fn: ({ x }) => ({ x: add(x as never, 1) }),
    });
    const file = path.join(folder, 'taken.onnx');
    await expect(exportOnnx({ graph, path: file })).rejects.toBeInstanceOf(InvalidArgumentError);
  });

  it('writes a traced function', async () => {
    const weight = tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const graph = traceFunction({
      inputs: { x: { shape: [4, 3] } },
      fn: ({ x }) => ({ y: add(matMul(x as never, weight), 1) }),
    });
    const file = path.join(folder, 'function.onnx');
    await exportOnnx({ graph, path: file });
    const session = await ort.InferenceSession.create(file);
    const x = Float32Array.from({ length: 12 }, (_, i) => i);
    const { y } = await session.run({ x: new ort.Tensor('float32', x, [4, 3]) });
    expect(Array.from(y?.data as Float32Array)).toEqual([14, 17, 41, 53, 68, 89, 95, 125]);
    await session.release();
    weight.dispose();
  });

  it('leaves nothing behind when a file cannot be written', async () => {
    const file = path.join(folder, 'missing', 'model.onnx');
    await expect(exportOnnx({ backbone, path: file, batch: 1 })).rejects.toBeInstanceOf(FileError);
  });
});

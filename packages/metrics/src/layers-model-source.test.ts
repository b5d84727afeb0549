import { CheckpointError } from '@harmonica/core';
import { type io, memory } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import { layersModelSource } from './layers-model-source.js';

const specs: io.WeightsManifestEntry[] = [
  {
    name: 'a',
    shape: [2],
    dtype: 'float32',
    quantization: { dtype: 'uint8', scale: 0.5, min: -1 },
  },
  { name: 'b', shape: [1], dtype: 'float32', group: 'optimizer' },
  {
    name: 'c',
    shape: [1, 3],
    dtype: 'float32',
    quantization: { dtype: 'uint16', scale: 0.25, min: 1 },
  },
  { name: 'd', shape: [], dtype: 'float32', quantization: { dtype: 'float16' } },
  { name: 'e', shape: [2, 1], dtype: 'float32' },
];
const parts = [
  Uint8Array.of(0, 255),
  new Uint8Array(4),
  new Uint8Array(Uint16Array.of(0, 4, 40_000).buffer),
  new Uint8Array(Uint16Array.of(0xc000).buffer),
  new Uint8Array(Float32Array.of(3.5, -7).buffer),
];
const weightData = Uint8Array.from(parts.flatMap((part) => [...part])).buffer;
const path = 'model.json';

describe('layersModelSource', () => {
  it('reads weights of every quantization, by name, and none of an optimizer', async () => {
    const before = memory().numTensors;
    const source = layersModelSource({ artifacts: { weightSpecs: specs, weightData }, path });
    expect(source.names).toEqual(['a', 'c', 'd', 'e']);
    expect(source.info('c')).toEqual({ shape: [1, 3], dtype: 'uint16' });
    expect(await source.read('e')).toEqual(Float32Array.of(3.5, -7));
    expect(await source.read('d')).toEqual(Float32Array.of(-2));
    expect(await source.read('c')).toEqual(Float32Array.of(1, 2, 10_001));
    expect(await source.read('a')).toEqual(Float32Array.of(-1, 126.5));
    expect(memory().numTensors).toBe(before);
  });

  it.each([[[3, 17]], [[4]]])('reads across shards that end at %j', async (ends) => {
    const shards = [0, ...ends].map((start, i) => weightData.slice(start, ends[i]));
    const artifacts = { weightSpecs: specs, weightData: shards };
    const source = layersModelSource({ artifacts, path });
    expect(await source.read('e')).toEqual(Float32Array.of(3.5, -7));
  });

  it.each<[string, io.ModelArtifacts, string]>([
    ['no weights', {}, 'has 0 bytes of weights where 0 are expected for 0 tensors'],
    [
      'a shard that is missing',
      { weightSpecs: specs, weightData: weightData.slice(0, 10) },
      'has 10 bytes of weights where 22 are expected',
    ],
    [
      'integers',
      { weightSpecs: [{ name: 'i', shape: [1], dtype: 'int32' }], weightData: new ArrayBuffer(4) },
      'model.json (i): is stored as int32',
    ],
  ])('refuses %s', (_, artifacts, message) => {
    const make = () => layersModelSource({ artifacts, path });
    expect(make).toThrow(CheckpointError);
    expect(make).toThrow(message);
  });

  it('names a weight that is not there', async () => {
    const source = layersModelSource({ artifacts: { weightSpecs: specs, weightData }, path });
    await expect(source.read('z')).rejects.toThrow('model.json (z): is missing');
  });
});

import { CheckpointError, type WeightSource } from '@harmonica/core';
import { goldenPath, loadGoldenManifest } from './golden-manifest.js';
import { readGolden } from './load-golden.js';

/** The parameters of the small DiT that every golden was made with, under their official names, float32. */
export function goldenWeightSource(): WeightSource {
  const path = goldenPath(loadGoldenManifest().weights.file);
  const tensors = readGolden(path);
  const find = (name: string) => {
    if (tensors.has(name)) return tensors.f32(name);
    throw new CheckpointError({ path, key: name, problem: 'no tensor of this name' });
  };
  return {
    path,
    names: [...tensors.keys()],
    info: (name) => ({ shape: find(name).shape, dtype: 'f32' }),
    read: async (name) => find(name).data.slice(),
    close: async () => tensors.clear(),
  };
}

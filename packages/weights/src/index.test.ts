import { expect, it } from 'vitest';
import * as exported from './index.js';

it('exports these functions', () => {
  expect(Object.keys(exported).sort()).toEqual([
    'decodeSafetensors',
    'encodeSafetensors',
    'hashFiles',
    'isWeightTensor',
    'mapNames',
    'openCheckpoint',
    'openPyTorch',
    'openSafetensors',
    'openSafetensorsIndex',
    'openSafetensorsShards',
    'readPyTorchObject',
    'writeFileAtomic',
    'writeSafetensors',
  ]);
});

import { expect, it } from 'vitest';
import * as exported from './index.js';

it('exports these functions', () => {
  expect(Object.keys(exported).sort()).toEqual([
    'DownloadError',
    'decodeSafetensors',
    'encodeSafetensors',
    'hashFiles',
    'isWeightTensor',
    'openModel',
    'mapNames',
    'openCheckpoint',
    'openPyTorch',
    'openSafetensors',
    'openSafetensorsIndex',
    'openSafetensorsShards',
    'readPyTorchObject',
    'writeFileAtomic',
    'writePyTorch',
    'writeSafetensors',
  ]);
});

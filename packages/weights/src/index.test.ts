import { expect, it } from 'vitest';
import * as exported from './index.js';

it('exports these functions', () => {
  expect(Object.keys(exported).sort()).toEqual([
    'DownloadError',
    'decodeSafetensors',
    'encodeSafetensors',
    'hashFiles',
    'isWeightTensor',
    'mapNames',
    'nearestNames',
    'openCheckpoint',
    'openModel',
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

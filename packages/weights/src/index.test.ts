import { expect, it } from 'vitest';
import * as exported from './index.js';

it('exports these functions', () => {
  expect(Object.keys(exported).sort()).toEqual([
    'DownloadError',
    'decodeSafetensors',
    'encodeSafetensors',
    'filesWithin',
    'hashFiles',
    'nearestNames',
    'openByteFile',
    'openCheckpoint',
    'openModel',
    'openPyTorch',
    'openSafetensors',
    'openSafetensorsShards',
    'writeFileAtomic',
    'writePyTorch',
    'writeSafetensors',
  ]);
});

import { expect, it } from 'vitest';
import * as cli from './index.js';

it('exports what its README lists', () => {
  expect(Object.keys(cli).sort()).toEqual([
    'BACKEND_NAMES',
    'EXIT_ABORTED',
    'createExecutor',
    'decodePng',
    'encodePng',
    'imageGrid',
    'pixelImages',
    'runCli',
    'selectBackend',
  ]);
});

import { expect, it } from 'vitest';
import * as exported from './index.js';

it('exports these functions', () => {
  expect(Object.keys(exported).sort()).toEqual([
    'compileFunction',
    'createOnnxExecutor',
    'exportOnnx',
    'graphKey',
    'traceFunction',
  ]);
});

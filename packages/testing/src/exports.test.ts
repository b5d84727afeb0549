import { expect, it } from 'vitest';
import * as testing from './index.js';

it('exports exactly this', () => {
  expect(Object.keys(testing).sort()).toEqual([
    'Golden',
    'entryOf',
    'expectClose',
    'goldenDitConfig',
    'goldenPath',
    'goldenWeightSource',
    'loadGolden',
    'loadGoldenManifest',
    'nchwToNhwc',
    'runFresh',
    'temporaryFolder',
  ]);
});

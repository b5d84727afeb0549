import { expect, it } from 'vitest';
import * as metrics from './index.js';

it('exports this and nothing else', () => {
  expect(Object.keys(metrics).sort()).toEqual([
    'createFeatureStatistics',
    'decodeStatistics',
    'encodeStatistics',
    'featureDistance',
    'frechetDistance',
    'inceptionScore',
    'kernelDistance',
    'meanPsnr',
    'meanSsim',
    'measure',
    'measureInterleaved',
    'precisionRecall',
    'psnr',
    'ssim',
    'summarize',
    'traceOfRoot',
  ]);
});

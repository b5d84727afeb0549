import { expect, it } from 'vitest';
import * as metrics from './index.js';

it('exports this and nothing else', () => {
  expect(Object.keys(metrics).sort()).toEqual([
    'INCEPTION_DIMENSIONS',
    'assertStatistics',
    'collectFeatures',
    'createFeatureDistance',
    'createFeatureStatistics',
    'createInceptionScore',
    'createManifold',
    'decodeStatistics',
    'encodeStatistics',
    'extractFeatures',
    'frechetDistance',
    'kernelDistance',
    'latencyRatio',
    'loadInception',
    'loadKerasInception',
    'loadNsfwjsInception',
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

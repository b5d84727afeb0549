import { expect, it } from 'vitest';
import * as metrics from './index.js';

it('exports this and nothing else', () => {
  expect(Object.keys(metrics).sort()).toEqual([
    'meanPsnr',
    'meanSsim',
    'measure',
    'measureInterleaved',
    'psnr',
    'ssim',
    'summarize',
  ]);
});

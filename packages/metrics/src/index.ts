export type { ImagePair, PixelArray, PixelImage } from './image.js';
export type { ImageSets } from './image-sets.js';
export { type SampleSummary, summarize } from './latency-statistics.js';
export {
  type InterleavedResult,
  type LatencyResult,
  type MeasureSettings,
  measure,
  measureInterleaved,
  type TimedRun,
} from './measure.js';
export { type MeanPsnrResult, meanPsnr, psnr } from './psnr.js';
export { type MeanSsimResult, meanSsim, ssim } from './ssim.js';

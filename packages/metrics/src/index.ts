export {
  collectFeatures,
  type ExtractFeaturesOptions,
  type ExtractFeaturesProgress,
  extractFeatures,
  type FeatureSets,
} from './extract-features.js';
export {
  createFeatureDistance,
  type FeatureDistanceAccumulator,
  type FeatureDistanceResult,
  type FeaturePairs,
} from './feature-distance.js';
export type { ExtractedFeatures, FeatureExtractor } from './feature-extractor.js';
export type { ExtractorIdentity, FeatureSet } from './feature-set.js';
export {
  createFeatureStatistics,
  type FeatureStatistics,
  type FeatureStatisticsOptions,
  type StatisticsAccumulator,
} from './feature-statistics.js';
export {
  assertStatistics,
  type FrechetDistanceOptions,
  type FrechetDistanceResult,
  frechetDistance,
  type TraceOfRootOptions,
  traceOfRoot,
} from './frechet-distance.js';
export type { ImagePair, ImageSets } from './image.js';
export { INCEPTION_DIMENSIONS, type PixelScaling } from './inception-network.js';
export {
  type CreateInceptionScoreOptions,
  createInceptionScore,
  type InceptionScoreAccumulator,
  type InceptionScoreResult,
} from './inception-score.js';
export {
  type KernelDistanceOptions,
  type KernelDistanceResult,
  kernelDistance,
} from './kernel-distance.js';
export { type SampleSummary, summarize } from './latency-statistics.js';
export { type LoadInceptionOptions, loadInception } from './load-inception.js';
export { type LoadKerasInceptionOptions, loadKerasInception } from './load-keras-inception.js';
export { type LoadNsfwjsInceptionOptions, loadNsfwjsInception } from './load-nsfwjs-inception.js';
export {
  type LatencyRatio,
  type LatencyResult,
  latencyRatio,
  type MeasureSettings,
  measure,
  measureInterleaved,
  type TimedRun,
} from './measure.js';
export {
  type CreateManifoldOptions,
  createManifold,
  type Manifold,
  type PrecisionRecallOptions,
  type PrecisionRecallResult,
  precisionRecall,
} from './precision-recall.js';
export { type MeanPsnrResult, meanPsnr, psnr } from './psnr.js';
export type { LoadInceptionProgress } from './read-inception.js';
export { type MeanSsimResult, meanSsim, ssim } from './ssim.js';
export {
  type ByteRanges,
  type DecodeStatisticsOptions,
  decodeStatistics,
  encodeStatistics,
} from './statistics-file.js';

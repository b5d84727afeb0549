export {
  type ClassConditionsOptions,
  type Conditions,
  classConditions,
  type TrainingInputs,
  type TrainingInputsOptions,
  trainingInputs,
} from './conditions.js';
export {
  BACKEND_NAMES,
  type BackendName,
  type Engine,
  type EngineName,
} from './engine/engines.js';
export {
  type EngineRecord,
  type Machine,
  recordEngine,
  thisMachine,
  timedOn,
} from './engine/machine.js';
export {
  type Backend,
  type CreateExecutorOptions,
  createExecutor,
  type SelectBackendOptions,
  selectBackend,
} from './engine/select-backend.js';
export {
  decodePngOf,
  fileNameOf,
  isFile,
  prepareFolder,
  prepareFolderOf,
  readBytes,
  readPngSize,
  readText,
  unreadable,
  writeOutput,
} from './files.js';
export {
  type CompiledEncoder,
  createImageDecoder,
  createImageEncoder,
  type Encoder,
  type ImageDecoder,
  type ImageDecoderOptions,
  type ImageEncoderOptions,
  type ImageSize,
} from './images/codec.js';
export {
  type DrawLatents,
  type EncodeImagesOptions,
  encodeImages,
  type LabeledImage,
  type LabeledImagesOptions,
  type LatentDrawsOptions,
  type LatentSet,
  labeledImages,
  latentDraws,
  type ReadLatentsOptions,
  readLatents,
} from './images/latent-set.js';
export { pictureFiles, SAMPLES_GRID, SAMPLES_RECORD } from './images/picture-files.js';
export { type Architecture, architectureOf, type SamplingFacts } from './models/architecture.js';
export { type ModelSpecOptions, modelArchitecture, modelSpec } from './models/find-model.js';
export {
  type DecoderIdentity,
  type LoadModelOptions,
  loadModel,
  type Model,
  type ModelOptions,
  randomModel,
  weightFiles,
} from './models/load-model.js';
export { publishedArchitecture } from './models/registry.js';
export { openPipeline, type Pipeline, type PipelineOptions, withPipeline } from './pipeline.js';
export {
  type CacheRecord,
  cacheRecord,
  createRunManifest,
  type DynamicCacheRecord,
  type ImageRecord,
  type RunManifest,
  type RunManifestOptions,
  type RunTiming,
  versionsInUse,
} from './run-manifest.js';
export {
  type CacheOptions,
  type GuidanceOptions,
  type NamedDocument,
  type ResolveGuidanceOptions,
  type ResolveRunSettingOptions,
  type RunSetting,
  readCacheDocument,
  readCacheText,
  resolveGuidance,
  resolveRunSetting,
} from './run-setting.js';
export {
  type DecidedBatch,
  type DecodedImages,
  type DecodeImagesOptions,
  decodeImages,
  type ImageJob,
  imageJobs,
  numberedJobs,
  type Sample,
  type SampledLatents,
  type SampleLatentsOptions,
  type SampleOptions,
  sample,
  sampleLatents,
  seedsFrom,
} from './sample.js';

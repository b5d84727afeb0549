export { type Conditions, classConditions, trainingInputs } from './conditions.js';
export { BACKEND_NAMES, type BackendName, type EngineName } from './engine/engines.js';
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
  isFile,
  prepareFolder,
  prepareFolderOf,
  readBytes,
  readPngSize,
  readText,
  unreadable,
  writeOutput,
} from './files.js';
export { type CompiledEncoder, createImageDecoder, createImageEncoder } from './images/codec.js';
export {
  encodeImages,
  type LatentSet,
  labeledImages,
  latentDraws,
  readLatents,
} from './images/latent-set.js';
export type { Architecture } from './models/architecture.js';
export { architectureOf } from './models/architecture.js';
export { modelArchitecture, modelSpec } from './models/find-model.js';
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
export { type Pipeline, withPipeline } from './pipeline.js';
export {
  type CacheRecord,
  cacheRecord,
  createRunManifest,
  type RunManifest,
  versionsInUse,
} from './run-manifest.js';
export {
  type CacheOptions,
  type GuidanceOptions,
  type NamedDocument,
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

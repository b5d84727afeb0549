export { type Conditions, classConditions, trainingInputs } from './conditions.js';
export {
  BACKEND_NAMES,
  type Backend,
  type BackendName,
  type CreateExecutorOptions,
  createExecutor,
  type EngineRecord,
  type Machine,
  recordEngine,
  type SelectBackendOptions,
  selectBackend,
  thisMachine,
  timedOn,
} from './engine.js';
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
export { type Architecture, architectureOf } from './models/architecture.js';
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
  cliVersion,
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
  decodeImages,
  type ImageJob,
  imageJobs,
  numberedJobs,
  type SampledLatents,
  sampleLatents,
  seedsFrom,
} from './sample.js';

export { type ByteRange, type ByteSource, openByteFile } from './byte-source.js';
export type { TensorToWrite, WeightTensor } from './dtypes.js';
export { type AtomicWrite, hashFiles, writeFileAtomic } from './files.js';
export { DownloadError, type DownloadProgress, type HubOptions } from './hub/hub-requests.js';
export type { JsonObject } from './json-object.js';
export { filesWithin } from './local-folder.js';
export { openCheckpoint } from './open-checkpoint.js';
export {
  type ComponentWeights,
  type ModelComponent,
  type ModelParts,
  type OpenModelOptions,
  openModel,
} from './open-model.js';
export { openPyTorch, type PyTorchOptions } from './pytorch/pytorch.js';
export { type PyTorchDict, writePyTorch } from './pytorch/write-pytorch.js';
export {
  type DecodedSafetensors,
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsContent,
  type SafetensorsDType,
} from './safetensors/safetensors.js';
export {
  openSafetensors,
  openSafetensorsShards,
  type SafetensorsSource,
  writeSafetensors,
} from './safetensors/safetensors-file.js';
export { type NearestNamesOptions, nearestNames } from './weight-source.js';

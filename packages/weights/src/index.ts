export { type AtomicWrite, writeFileAtomic } from './atomic-file.js';
export { DownloadError } from './download-error.js';
export { hashFiles } from './hash-files.js';
export type { DownloadProgress, HubOptions } from './hub-options.js';
export type { JsonObject } from './json-object.js';
export { type LoadModelOptions, loadModel } from './load-model.js';
export { mapNames, type NameMap } from './map-names.js';
export type { ComponentWeights, ModelComponent, ModelParts } from './model-parts.js';
export { openCheckpoint } from './open-checkpoint.js';
export {
  isWeightTensor,
  openPyTorch,
  type PyTorchOptions,
  type PyTorchValue,
  readPyTorchObject,
} from './pytorch.js';
export type { PyTorchKey, PyTorchTree } from './pytorch-tree.js';
export {
  type DecodedSafetensors,
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsContent,
  type SafetensorsDType,
} from './safetensors.js';
export { openSafetensors, type SafetensorsSource, writeSafetensors } from './safetensors-file.js';
export { openSafetensorsIndex, openSafetensorsShards } from './safetensors-shards.js';
export type { TensorToWrite, WeightTensor } from './weight-tensor.js';
export { type PyTorchDict, writePyTorch } from './write-pytorch.js';

export { type AtomicWrite, writeFileAtomic } from './atomic-file.js';
export { hashFiles } from './hash-files.js';
export { mapNames, type NameMap } from './map-names.js';
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
export type { WeightTensor } from './weight-tensor.js';

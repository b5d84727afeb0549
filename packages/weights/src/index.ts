export type { DecodedSafetensors, SafetensorsContent, SafetensorsDType } from './safetensors.js';
export { decodeSafetensors, encodeSafetensors } from './safetensors.js';
export type { WeightTensor } from './weight-tensor.js';

export { type Closeness, type Comparable, expectClose } from './expect-close.js';
export { runFresh } from './fresh-process.js';
export { goldenDitConfig } from './golden-dit-config.js';
export {
  type GoldenDitConfig,
  type GoldenEntry,
  type GoldenManifest,
  type GoldenTensorEntry,
  goldenPath,
  loadGoldenManifest,
} from './golden-manifest.js';
export {
  entryOf,
  type GoldenData,
  type GoldenTensor,
  nchwToNhwc,
} from './golden-tensor.js';
export { Golden, goldenWeightSource, loadGolden } from './load-golden.js';
export { temporaryFolder } from './temporary-folder.js';

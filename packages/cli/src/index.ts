export {
  BACKEND_NAMES,
  type Backend,
  type BackendName,
  type CreateExecutorOptions,
  createExecutor,
  type SelectBackendOptions,
  selectBackend,
} from './backend.js';
export type { CliContext, TextOutput } from './cli-context.js';
export { type ImageGridOptions, imageGrid } from './image-grid.js';
export { pixelImages } from './pixel-images.js';
export { decodePng, encodePng } from './png-file.js';
export { EXIT_ABORTED, runCli } from './run-cli.js';
export type { RunManifest } from './run-manifest.js';

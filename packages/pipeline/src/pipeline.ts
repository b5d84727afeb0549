import {
  type Executor,
  type LongCallOptions,
  type ProgressTracker,
  trackProgress,
} from '@harmonica/core';
import { type Backend, type BackendName, createExecutor, selectBackend } from './engine.js';
import { createImageDecoder, type ImageDecoder } from './images/codec.js';
import { type LoadModelOptions, loadModel, type Model } from './models/load-model.js';

/** A model on an engine: what it takes to get from names to images. */
export interface Pipeline {
  readonly backend: Backend;
  readonly model: Model;
  readonly executor: Executor;
  /** Absent if the model has no autoencoder. */
  readonly decoder?: ImageDecoder | undefined;
  /** Frees the engine and the weights. */
  dispose(): Promise<void>;
}

/** Options of {@link openSession}. */
export interface PipelineOptions
  extends Omit<LoadModelOptions, 'onDownload' | 'onProgress'>,
    LongCallOptions {
  /** A name, or what `selectBackend` gave. Default `auto`. */
  readonly backend?: BackendName | Backend | undefined;
  /** As `selectBackend` takes it; not read if `backend` is a ready one. */
  readonly threads?: number | undefined;
}

/**
 * Starts the engine and loads the model. The caller disposes the result.
 *
 * @throws {@link EngineError} as `selectBackend`; as `loadModel`
 */
export async function openPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { backend: wanted = 'auto', threads } = options;
  const backend =
    typeof wanted === 'string' ? await selectBackend({ name: wanted, threads }) : wanted;
  const model = await loadTracked(options);
  try {
    const executor = await createExecutor({ backbone: model.backbone, backend });
    const { backbone, decode, tileSize } = model;
    const decoder =
      decode && createImageDecoder({ model: { backbone, decode, tileSize }, backend });
    return {
      backend,
      model,
      executor,
      decoder,
      async dispose() {
        await decoder?.dispose();
        await executor.dispose();
        model.dispose();
      },
    };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** {@link openSession} for as long as `use` takes. */
export async function withPipeline<T>(
  options: PipelineOptions & { readonly use: (pipeline: Pipeline) => Promise<T> },
): Promise<T> {
  const pipeline = await openPipeline(options);
  try {
    return await options.use(pipeline);
  } finally {
    await pipeline.dispose();
  }
}

function loadTracked({ onProgress, ...options }: PipelineOptions): Promise<Model> {
  let tracker: ProgressTracker | undefined;
  let file = '';
  return loadModel({
    ...options,
    onProgress({ loaded, total }) {
      if (loaded === 1) tracker = trackProgress({ label: 'loading', total, onProgress });
      tracker?.set(loaded);
    },
    onDownload({ file: next, loadedBytes, totalBytes }) {
      if (next !== file) {
        const label = `downloading ${next}, MiB`;
        tracker = trackProgress({ label, total: mebibytes(totalBytes), onProgress });
      }
      file = next;
      tracker?.set(mebibytes(loadedBytes));
    },
  });
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

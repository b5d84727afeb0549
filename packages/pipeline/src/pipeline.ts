import type { Executor } from '@harmonica/core';
import type { BackendName } from './engine/engines.js';
import { type Backend, createExecutor, selectBackend } from './engine/select-backend.js';
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

/** Options of {@link openPipeline}. */
export interface PipelineOptions extends LoadModelOptions {
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
  const model = await loadModel(options);
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

/** {@link openPipeline} for as long as `use` takes. */
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

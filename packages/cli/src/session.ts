import type { Executor } from '@harmonica/core';
import { type Backend, createExecutor, selectBackend } from './backend.js';
import type { CliContext } from './cli-context.js';
import { createImageDecoder, type ImageDecoder } from './image-decoder.js';
import { type LoadModelOptions, loadModel, type Model } from './model.js';
import type { GlobalOptions } from './option-groups.js';
import { startProgressBar } from './progress-bar.js';

/** An engine with a model on it. */
export interface Session {
  readonly backend: Backend;
  readonly model: Model;
  readonly executor: Executor;
  /** Absent if the model has no autoencoder. */
  readonly decoder?: ImageDecoder | undefined;
}

/** Options of {@link withSession}. */
export interface SessionOptions<T> {
  readonly options: GlobalOptions & LoadModelOptions;
  readonly context: CliContext;
  readonly use: (session: Session) => Promise<T>;
}

/** Starts the engine, loads the model, and frees both after `use`. Says on stderr which engine it is. */
export async function withSession<T>({ options, context, use }: SessionOptions<T>): Promise<T> {
  const backend = await selectBackend({ name: options.backend, threads: options.threads });
  context.stderr.write(`engine: ${backend.description}\n`);
  const model = await loadWithProgress(options, context);
  try {
    const executor = await createExecutor({ backbone: model.backbone, backend });
    try {
      return await useWithDecoder({ backend, model, executor }, use);
    } finally {
      await executor.dispose();
    }
  } finally {
    model.dispose();
  }
}

async function useWithDecoder<T>(
  session: Session,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const { model, backend } = session;
  if (!model.decode) return use(session);
  const { backbone, decode, tileSize } = model;
  const decoder = createImageDecoder({ model: { backbone, decode, tileSize }, backend });
  try {
    return await use({ ...session, decoder });
  } finally {
    await decoder.dispose();
  }
}

async function loadWithProgress(options: LoadModelOptions, context: CliContext): Promise<Model> {
  let bar: ReturnType<typeof startProgressBar> | undefined;
  const { signal, stderr: output } = context;
  const restart = (label: string, total: number) => {
    bar?.stop();
    bar = startProgressBar({ output, label, total });
  };
  let downloading = '';
  try {
    return await loadModel({
      ...options,
      signal,
      onProgress({ loaded, total }) {
        if (loaded === 1) restart('loading', total);
        bar?.update(loaded);
      },
      onDownload({ file, loadedBytes, totalBytes }) {
        if (file !== downloading) restart(`downloading ${file}, MiB`, mebibytes(totalBytes));
        downloading = file;
        bar?.update(mebibytes(loadedBytes));
      },
    });
  } finally {
    bar?.stop();
  }
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

import {
  type Backend,
  type LoadModelOptions,
  type Pipeline,
  selectBackend,
  withPipeline,
} from '@harmonica/pipeline';
import type { CommandContext } from '../cli-context.js';
import type { GlobalOptions } from '../options/option-groups.js';

/** Starts the engine that the options name, and says on stderr which it is. */
export async function startEngine(
  { backend: name, threads }: GlobalOptions,
  { stderr }: CommandContext,
): Promise<Backend> {
  const backend = await selectBackend({ name, threads });
  stderr.write(`engine: ${backend.description}\n`);
  return backend;
}

/** Options of {@link useSession}. */
export interface UsePipelineOptions<T> {
  readonly options: GlobalOptions & LoadModelOptions;
  readonly context: CommandContext;
  readonly use: (pipeline: Pipeline) => Promise<T>;
}

/** Starts the engine, loads the model, and frees both after `use`. */
export async function usePipeline<T>({ options, context, use }: UsePipelineOptions<T>): Promise<T> {
  const backend = await startEngine(options, context);
  const { signal, onProgress } = context;
  return withPipeline({ ...options, backend, signal, onProgress, use });
}

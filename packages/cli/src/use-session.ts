import { type Backend, selectBackend } from './backend.js';
import type { CommandContext } from './cli-context.js';
import type { LoadModelOptions } from './model.js';
import type { GlobalOptions } from './option-groups.js';
import { type Session, withSession } from './session.js';

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
export interface UseSessionOptions<T> {
  readonly options: GlobalOptions & LoadModelOptions;
  readonly context: CommandContext;
  readonly use: (session: Session) => Promise<T>;
}

/** Starts the engine, loads the model, and frees both after `use`. */
export async function useSession<T>({ options, context, use }: UseSessionOptions<T>): Promise<T> {
  const backend = await startEngine(options, context);
  const { signal, onProgress } = context;
  return withSession({ ...options, backend, signal, onProgress, use });
}

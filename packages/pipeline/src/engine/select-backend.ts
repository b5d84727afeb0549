import { type Backbone, createEagerExecutor, EngineError, type Executor } from '@harmonica/core';
import { createOnnxExecutor } from '@harmonica/onnx';
import { env, scalar, setBackend, tidy } from '@tensorflow/tfjs-core';
import { type BackendName, ENGINES, type Engine, type EngineName } from './engines.js';

/** An engine that is ready: its TensorFlow.js backend is the current one. */
export interface Backend extends Pick<Engine, 'tensors' | 'executionProvider'> {
  readonly name: EngineName;
  /** For people, such as `onnx (compiled, 2 threads)`. */
  readonly description: string;
  readonly threads?: number | undefined;
}

/** Options of {@link selectBackend}. */
export interface SelectBackendOptions {
  /** Default `auto`. */
  readonly name?: BackendName | undefined;
  /** Threads within one operation, for `onnx` and `tensorflow`. Default: the engine's own choice. */
  readonly threads?: number | undefined;
}

/**
 * Loads an engine and makes its TensorFlow.js backend the current one. Call it before loading a model, so that the
 * weights are where the engine wants them.
 *
 * @throws {@link EngineError} that says what to install, if the engine is not there or does not start
 */
export async function selectBackend(options: SelectBackendOptions = {}): Promise<Backend> {
  const { name = 'auto' } = options;
  const engine = name === 'auto' ? await fastestInstalled() : engineOf(name);
  const { tensors, executionProvider, threadsVariable, hasThreads } = engine;
  const threads = hasThreads ? options.threads : undefined;
  if (threadsVariable && threads !== undefined) process.env[threadsVariable] = String(threads);
  const packages = await loadPackages(engine);
  await startTensors(tensors);
  return {
    name: engine.name as EngineName,
    tensors,
    threads,
    description: engine.describe({ threads, packages }),
    ...(executionProvider && { executionProvider }),
  };
}

/** Options of {@link createExecutor}. */
export interface CreateExecutorOptions {
  /** Not owned: dispose it after the executor. */
  readonly backbone: Backbone;
  /** A name, or what {@link selectBackend} gave. Default `auto`. */
  readonly backend?: BackendName | Backend | undefined;
  /** As in {@link SelectBackendOptions}; not read if `backend` is a ready one. */
  readonly threads?: number | undefined;
}

/**
 * An executor on any engine: compiled by ONNX Runtime for `onnx`, `webgpu` and `cuda`, op by op for all others.
 *
 * @throws {@link EngineError} as {@link selectBackend}
 */
export async function createExecutor(options: CreateExecutorOptions): Promise<Executor> {
  const { backbone, backend = 'auto', threads } = options;
  const ready =
    typeof backend === 'string' ? await selectBackend({ name: backend, threads }) : backend;
  const { executionProvider, description } = ready;
  if (!executionProvider) return createEagerExecutor(backbone, description);
  return createOnnxExecutor({
    backbone,
    executionProviders: [executionProvider],
    ...(ready.threads !== undefined && { threads: ready.threads }),
  });
}

function engineOf(wanted: EngineName): Engine {
  return ENGINES.find(({ name }) => name === wanted) as Engine;
}

async function fastestInstalled(): Promise<Engine> {
  const candidates: readonly Engine[] = ENGINES.filter((engine: Engine) => engine.automatic);
  for (const engine of candidates.slice(0, -1)) {
    const found = await Promise.all(engine.packages.map(findPackage));
    if (found.every((one) => 'name' in one)) return engine;
  }
  return candidates.at(-1) as Engine;
}

/** Loads what an engine needs; the names of the packages that were found. */
async function loadPackages({ name: engine, packages }: Engine): Promise<readonly string[]> {
  const names: string[] = [];
  for (const wanted of packages) {
    const found = await findPackage(wanted);
    if ('cause' in found) throw missing(engine, wanted, found.cause);
    names.push(found.name);
  }
  return names;
}

async function startTensors(name: string): Promise<void> {
  await startBackend(name);
  if (name === 'cpu') quietFirstUse();
}

/** The first tensor of tfjs-backend-cpu greets Node users with advice to install another backend. */
function quietFirstUse(): void {
  const before = env().getBool('PROD');
  env().set('PROD', true);
  tidy(() => void scalar(0));
  env().set('PROD', before);
}

async function startBackend(name: string): Promise<void> {
  let cause: unknown;
  try {
    if (await setBackend(name)) return;
  } catch (error) {
    cause = error;
  }
  const fix = 'This machine or runtime may lack it; take auto.';
  throw new EngineError({ engine: name, operation: 'start', fix, cause });
}

function missing(engine: string, packages: readonly string[], cause: unknown): EngineError {
  const fix = `Install it: ${packages.map((name) => `npm install ${name}`).join(', or ')}`;
  if (!isNotFound(cause)) return new EngineError({ engine, operation: 'loading', fix, cause });
  const operation = `loading, as ${packages.join(' and ')} cannot be found`;
  return new EngineError({ engine, operation, fix });
}

function isNotFound(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}

/** The first package that loads, or why the last one did not. */
type FoundPackage = { readonly name: string } | { readonly cause: unknown };

/**
 * Imports the first package of a list that is installed and loads. The names are not literals in an `import`, so that
 * neither compilers nor bundlers ask for optional packages.
 */
export async function findPackage(names: readonly string[]): Promise<FoundPackage> {
  let cause: unknown;
  for (const name of names) {
    try {
      await import(name);
      return { name };
    } catch (error) {
      cause = error;
    }
  }
  return { cause };
}

import { execFile } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { type Backbone, createEagerExecutor, EngineError, type Executor } from '@harmonica/core';
import { createOnnxExecutor } from '@harmonica/onnx';
import { env, scalar, setBackend, tidy } from '@tensorflow/tfjs-core';

/** Names for `--backend`. `auto` takes the first that is there of onnx, tensorflow, wasm and cpu. */
export const BACKEND_NAMES = [
  'auto',
  'onnx',
  'wasm',
  'cpu',
  'webgpu',
  'cuda',
  'tensorflow',
] as const;

export type BackendName = (typeof BACKEND_NAMES)[number];

/** An engine that is ready: its TensorFlow.js backend is the current one. */
export interface Backend {
  readonly name: Exclude<BackendName, 'auto'>;
  /** The TensorFlow.js backend that holds tensors and weights. */
  readonly tensors: string;
  /** For people, such as `onnx (compiled, 2 threads)`. */
  readonly description: string;
  readonly threads?: number | undefined;
  /** Where ONNX Runtime runs compiled graphs; absent for engines that go op by op. */
  readonly executionProvider?: 'cpu' | 'webgpu' | 'cuda';
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
  const { name = 'auto', threads } = options;
  const wanted = name === 'auto' ? await fastestInstalled() : name;
  return starters[wanted](threads);
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

type Starter = (threads: number | undefined) => Promise<Backend>;

const starters: Readonly<Record<Exclude<BackendName, 'auto'>, Starter>> = {
  async onnx(threads) {
    await startCompiled('onnx');
    const description = `onnx (compiled${threads === undefined ? '' : `, ${threads} threads`})`;
    return { name: 'onnx', tensors: 'cpu', threads, description, executionProvider: 'cpu' };
  },
  async cpu() {
    await startTensors('cpu');
    return { name: 'cpu', tensors: 'cpu', description: 'tfjs cpu' };
  },
  async wasm() {
    await startTensors('wasm');
    return { name: 'wasm', tensors: 'wasm', description: 'tfjs wasm' };
  },
  async tensorflow(threads) {
    // TensorFlow reads this once, when it is loaded.
    if (threads !== undefined) process.env.TF_NUM_INTRAOP_THREADS = String(threads);
    const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
    const found = await findPackage(packages);
    if ('cause' in found) throw missing('tensorflow', packages, found.cause);
    await startBackend('tensorflow');
    const description = `tensorflow (${found.name})`;
    return { name: 'tensorflow', tensors: 'tensorflow', threads, description };
  },
  webgpu: () => startOnGpu('webgpu'),
  cuda: () => startOnGpu('cuda'),
};

async function fastestInstalled(): Promise<Exclude<BackendName, 'auto'>> {
  const candidates = {
    onnx: ['onnxruntime-node'],
    tensorflow: ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'],
    wasm: ['@tensorflow/tfjs-backend-wasm'],
  } as const;
  for (const [name, packages] of Object.entries(candidates)) {
    if ('name' in (await findPackage(packages))) return name as keyof typeof candidates;
  }
  return 'cpu';
}

async function startOnGpu(name: 'webgpu' | 'cuda'): Promise<Backend> {
  await startCompiled(name);
  return { name, tensors: 'cpu', description: `${name} (compiled)`, executionProvider: name };
}

/** ONNX Runtime brings its own WebGPU, so that one package serves both; CUDA is reached past its binding. */
async function startCompiled(name: 'onnx' | 'webgpu' | 'cuda'): Promise<void> {
  for (const wanted of name === 'cuda' ? ['onnxruntime-node', 'koffi'] : ['onnxruntime-node']) {
    const found = await findPackage([wanted]);
    if ('cause' in found) throw missing(name, [wanted], found.cause);
  }
  await startTensors('cpu');
}

async function startTensors(name: 'cpu' | 'wasm'): Promise<void> {
  const packageName = `@tensorflow/tfjs-backend-${name}`;
  const found = await findPackage([packageName]);
  if ('cause' in found) throw missing(name, [packageName], found.cause);
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
  const fix = 'This machine or runtime may lack it; use --backend auto.';
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

/** What a model runs on. Plain JSON. */
export interface EngineRecord {
  readonly backend: Backend['name'];
  /** Of ONNX Runtime; null for engines that go op by op. */
  readonly executionProvider: string | null;
  /** Null: the engine's own choice. */
  readonly threads: number | null;
  /**
   * With `cuda` the name of the GPU; of several different ones in the machine all names. Null where there is none, or the
   * engine does not tell.
   */
  readonly gpu: string | null;
}

/** What an engine is and runs on. */
export async function recordEngine(
  backend: Pick<Backend, 'name' | 'executionProvider' | 'threads'>,
): Promise<EngineRecord> {
  const { name, executionProvider = null, threads = null } = backend;
  const gpu = executionProvider === 'cuda' ? await nvidiaName() : null;
  return { backend: name, executionProvider, threads, gpu };
}

/** What times depend on besides what is run: the machine, and what of the engine is not its own choice. */
export function timedOn({ gpu, threads }: EngineRecord): Machine & Partial<EngineRecord> {
  return {
    ...thisMachine(),
    ...(gpu !== null && { gpu }),
    ...(threads !== null && { threads }),
  };
}

async function nvidiaName(): Promise<string | null> {
  const query = ['--query-gpu=name', '--format=csv,noheader'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 });
    const names = stdout.split('\n').map((name) => name.trim());
    return [...new Set(names.filter(Boolean))].join(', ') || null;
  } catch {
    return null; // not installed, or not allowed
  }
}

/** What figures depend on besides their settings. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
}

/** The machine that this runs on. */
export function thisMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
  };
}

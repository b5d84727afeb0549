import { EngineError, UnsupportedError } from '@harmonica/core';
import {
  type ExecutionProvider,
  type OrtRuntime,
  type OrtSession,
  type OutputLocation,
  providerNames,
  runsOnCpu,
} from './ort.js';

/** How ONNX Runtime shall run a graph. */
export interface SessionOptions {
  /** Threads within one operation. Default: ONNX Runtime's, one for each physical core. */
  readonly threads?: number;
  /** In order of preference. Default `['cpu']`. `'cuda'`, `'webgpu'` and others are passed through. */
  readonly executionProviders?: readonly ExecutionProvider[];
  /** Default `'all'`. */
  readonly graphOptimizationLevel?: 'disabled' | 'basic' | 'extended' | 'layout' | 'all';
  /** `onnxruntime-node` or `onnxruntime-web`, already imported. Default: the one that fits, if installed. */
  readonly runtime?: OrtRuntime;
}

/**
 * Imports ONNX Runtime: `onnxruntime-node` in Node, past its binding for CUDA and, if `koffi` is installed, for the CPU;
 * `onnxruntime-web` elsewhere.
 *
 * @throws {@link UnsupportedError} if it is not installed
 */
export async function loadRuntime(options: SessionOptions): Promise<OrtRuntime> {
  const onCuda = providerNames(options).includes('cuda');
  const native = isNode() && (onCuda || runsOnCpu(options)) && (await nativeRuntime());
  if (native) return native;
  const name = isNode() ? 'onnxruntime-node' : 'onnxruntime-web';
  if (onCuda) {
    throw new UnsupportedError({
      feature: 'CUDA without ONNX Runtime and koffi',
      engine: 'onnx',
      fix: `Install them: npm install ${name} koffi`,
    });
  }
  try {
    const module = await (isNode() ? import('onnxruntime-node') : import('onnxruntime-web'));
    return ('default' in module ? module.default : module) as OrtRuntime;
  } catch (cause) {
    throw new UnsupportedError({
      feature: 'running compiled graphs without ONNX Runtime',
      engine: 'onnx',
      fix: `Install it: npm install ${name}`,
      cause,
    });
  }
}

let native: Promise<OrtRuntime | undefined> | undefined;

/** One for the process; undefined where it cannot be had. */
function nativeRuntime(): Promise<OrtRuntime | undefined> {
  native ??= import('./native-runtime.js')
    .then(({ createNativeRuntime }) => createNativeRuntime())
    .catch(() => undefined);
  return native;
}

function isNode(): boolean {
  return typeof process === 'object' && typeof process.versions?.node === 'string';
}

interface CreateSessionOptions {
  readonly runtime: OrtRuntime;
  /** An encoded ONNX model. */
  readonly model: Uint8Array;
  readonly options: SessionOptions;
  /** By output name. Default: all in the memory of the CPU. */
  readonly locations?: Readonly<Record<string, OutputLocation>> | undefined;
  /** Gives working memory back after every run: slower, and small. Default: keeps it for the next. */
  readonly lean?: boolean | undefined;
}

const ERRORS_ONLY = 3;

/**
 * Many small sessions take turns. The threads of one must not spin while another works, and where other programs want the
 * cores too, spinning for long takes them from the thread that is waited for.
 */
const THREADING = { session: { force_spinning_stop: '1', intra_op: { spin_duration_us: '100' } } };

/** @throws {@link EngineError} if ONNX Runtime refuses the model */
export async function createSession({
  runtime,
  model,
  options,
  locations,
  lean = false,
}: CreateSessionOptions): Promise<OrtSession> {
  const { threads, executionProviders = ['cpu'], graphOptimizationLevel = 'all' } = options;
  try {
    return await runtime.InferenceSession.create(model, {
      executionProviders,
      graphOptimizationLevel,
      logSeverityLevel: ERRORS_ONLY,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      ...(locations && { preferredOutputLocation: locations }),
      ...(lean && { enableCpuMemArena: false }),
      extra: THREADING,
    });
  } catch (cause) {
    throw new EngineError({ engine: 'onnx', operation: 'compiling a graph', cause });
  }
}

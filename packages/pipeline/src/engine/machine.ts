import { execFile } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import type { Backend } from './select-backend.js';

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

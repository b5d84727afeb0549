import { chmod, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { temporaryFolder } from '@harmonica/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { recordEngine, thisMachine, timedOn } from './machine.js';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** A tool of this name that prints lines, found before any other. */
const withNvidiaSmi = async (...lines: readonly string[]) => {
  const file = join(folder, 'nvidia-smi');
  await writeFile(file, `#!/bin/sh\nprintf '${lines.map((line) => `${line}\\n`).join('')}'\n`);
  await chmod(file, 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
};
const CUDA = { name: 'cuda', executionProvider: 'cuda' } as const;

it.skipIf(process.platform === 'win32')('names the GPU of an engine that runs on one', async () => {
  await withNvidiaSmi('NVIDIA H200', 'NVIDIA H200');
  const engine = await recordEngine(CUDA);
  expect(engine).toEqual({
    backend: 'cuda',
    executionProvider: 'cuda',
    threads: null,
    gpu: 'NVIDIA H200',
  });
  expect(timedOn(engine)).toEqual({ ...thisMachine(), gpu: 'NVIDIA H200' });
  await withNvidiaSmi('NVIDIA T4', 'NVIDIA H200');
  expect((await recordEngine(CUDA)).gpu).toBe('NVIDIA T4, NVIDIA H200');
  const onCpu = await recordEngine({ name: 'onnx', executionProvider: 'cpu', threads: 2 });
  expect(onCpu).toMatchObject({ executionProvider: 'cpu', threads: 2, gpu: null });
  expect(timedOn(onCpu)).toEqual({ ...thisMachine(), threads: 2 });
});

it('says nothing of a GPU where nothing tells', async () => {
  vi.stubEnv('PATH', folder);
  expect((await recordEngine(CUDA)).gpu).toBeNull();
  const plain = await recordEngine({ name: 'wasm' });
  expect(plain).toEqual({ backend: 'wasm', executionProvider: null, threads: null, gpu: null });
  expect(timedOn(plain)).toEqual(thisMachine());
});

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, InvalidArgumentError, type WeightSource } from '@harmonica/core';
import { type ByteSource, openWith } from './byte-source.js';
import { fileError } from './files.js';
import { openPyTorchIn, type PyTorchOptions } from './pytorch/pytorch.js';
import { openIndexWith, openSafetensorsIn } from './safetensors/safetensors-file.js';
import { PREFIX_BYTES } from './safetensors/safetensors-header.js';

const INDEX_SUFFIX = '.safetensors.index.json';
const FILE_SUFFIX = '.safetensors';
const OPENING_BRACE = 0x7b;
// first character of a safetensors header
const PICKLE_PROTOCOL = 0x80;
// first byte of a bare pickle

/**
 * Opens a checkpoint of any kind, told by its content: a `.safetensors` file, a `.safetensors.index.json` (or another
 * index) with its shards, a folder that holds one of either, or a PyTorch `.pt` or `.pth`. The caller closes it.
 *
 * @param options.select the part of a PyTorch checkpoint to read, such as `ema`; other kinds have no parts
 * @throws {@link FileError} if it cannot be read
 * @throws {@link CheckpointError} if it is of no known kind, or damaged, or has no part `select`
 * @throws {@link InvalidArgumentError} if `select` is given for safetensors
 */
export async function openCheckpoint(
  path: string,
  options: PyTorchOptions = {},
): Promise<WeightSource> {
  const found = (await isFolder(path)) ? await findInFolder(path) : path;
  if (found.endsWith('.json')) {
    refusePart(options);
    return openIndexWith({ path: found, open: (path) => openFile(path, {}) });
  }
  return openFile(found, options);
}

function openFile(path: string, options: PyTorchOptions): Promise<WeightSource> {
  return openWith(path, async (file) => {
    if ((await kindOf(file)) === 'pytorch') return openPyTorchIn(file, options);
    refusePart(options);
    return openSafetensorsIn(file);
  });
}

function refusePart({ select }: PyTorchOptions): void {
  if (select === undefined) return;
  throw new InvalidArgumentError({
    argument: 'select',
    value: select,
    expected: 'nothing, as safetensors files have no parts',
  });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw fileError({ path, action: 'read', cause });
  }
}

/** The one index in a folder, else its one `.safetensors` file. */
async function findInFolder(path: string): Promise<string> {
  const files = await listFolder(path);
  const indices = files.filter((file) => file.endsWith(INDEX_SUFFIX));
  const candidates = indices.length > 0 ? indices : files.filter((f) => f.endsWith(FILE_SUFFIX));
  const [first, ...others] = candidates;
  if (first !== undefined && others.length === 0) return join(path, first);
  throw new CheckpointError({
    path,
    problem: first
      ? `several checkpoints: ${candidates.join(', ')}`
      : `no *${INDEX_SUFFIX} and no *${FILE_SUFFIX} in this folder`,
    fix: 'Give the path of the file itself.',
  });
}

async function listFolder(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (cause) {
    throw fileError({ path, action: 'read', cause });
  }
}

async function kindOf(file: ByteSource): Promise<'safetensors' | 'pytorch'> {
  const { path, sizeBytes } = file;
  const head = await file.read({ begin: 0, end: Math.min(PREFIX_BYTES + 1, sizeBytes) });
  if (head[PREFIX_BYTES] === OPENING_BRACE) return 'safetensors';
  const isZip = head[0] === 0x50 && head[1] === 0x4b;
  if (isZip || head[0] === PICKLE_PROTOCOL) return 'pytorch';
  throw new CheckpointError({
    path,
    problem: 'neither safetensors nor a PyTorch checkpoint',
    fix: sizeBytes === 0 ? 'The file is empty; get it again.' : 'Check the path.',
  });
}

import type { WeightSource } from '@harmonica/core';
import { type ByteSource, openWith } from '../byte-source.js';
import { createWeightSource, type StoredTensor } from '../weight-source.js';
import { readPyTorchArchive } from './pytorch-archive.js';
import type { PyTorchContent } from './pytorch-content.js';
import { readPyTorchLegacy } from './pytorch-legacy.js';
import { flattenTensors, foreignError, selectPart } from './pytorch-tree.js';

/** Which part of a PyTorch checkpoint is read. */
export interface PyTorchOptions {
  /** Dotted name of a part, such as `routers`, `ema`, `model` or `state_dict`. Default: everything. */
  readonly select?: string;
}

const PICKLE_MARK = 0x80;

/**
 * Opens a `.pt` or `.pth` checkpoint of PyTorch 0.1.10 or later: reads what it holds now and each tensor when it is asked
 * for. Nothing in the file is executed. Tensors are named by their keys, joined by dots (`ema.blocks.0.attn.qkv.weight`;
 * with `select: 'ema'`, `blocks.0.attn.qkv.weight`); other data is left out, Python objects of unknown kind too. The caller
 * closes the source.
 *
 * @throws {@link FileError} if the file cannot be read
 * @throws {@link CheckpointError} if it is damaged, of an even older PyTorch, has no part `select`, or no tensors but Python
 * objects of unknown kind (the message names one). Reading a tensor throws it if such an object stands beside it in its dict
 */
export function openPyTorch(path: string, options: PyTorchOptions = {}): Promise<WeightSource> {
  return openWith(path, (file) => openPyTorchIn(file, options));
}

/** {@link openPyTorch} over any bytes. The source closes `file`. */
export async function openPyTorchIn(
  file: ByteSource,
  { select }: PyTorchOptions,
): Promise<WeightSource> {
  const { path } = file;
  const { root, readTensor } = await readContent(file);
  const part = selectPart({ path, root, select });
  const tree = flattenTensors({ path, root: part });
  const foreign = tree.containers.find((container) => container.foreign)?.foreign;
  if (tree.tensors.size === 0 && foreign) throw foreignError({ path, ...foreign });
  const tensors = new Map<string, StoredTensor>();
  for (const [key, { tensor, container }] of tree.tensors) {
    const { shape, storage } = tensor;
    const read = async () => {
      if (container.foreign) throw foreignError({ path, ...container.foreign });
      return readTensor({ key, tensor });
    };
    tensors.set(key, { shape, dtype: storage.type, read });
  }
  return createWeightSource({ path, tensors, close: () => file.close() });
}

/** Since 1.6 `torch.save` writes a zip archive; before, it wrote pickles, the first byte of which is their mark. */
async function readContent(file: ByteSource): Promise<PyTorchContent> {
  const [first] = await file.read({ begin: 0, end: Math.min(1, file.sizeBytes) });
  return first === PICKLE_MARK ? readPyTorchLegacy(file) : readPyTorchArchive(file);
}

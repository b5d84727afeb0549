import { CheckpointError, type WeightSource } from '@harmonica/core';
import { type ByteSource, openByteFile, openWith } from '../byte-source.js';
import { elementCount, type WeightTensor } from '../dtypes.js';
import { createWeightSource, type StoredTensor } from '../weight-source.js';
import { readPyTorchArchive } from './pytorch-archive.js';
import type { PyTorchContent, StridedTensor } from './pytorch-content.js';
import { readPyTorchLegacy } from './pytorch-legacy.js';
import {
  collectTensors,
  flattenTensors,
  mapTensors,
  type PyTorchTree,
  selectPart,
} from './pytorch-tree.js';

/** Which part of a PyTorch checkpoint is read. */
export interface PyTorchOptions {
  /** Dotted name of a part, such as `routers`, `ema`, `model` or `state_dict`. Default: everything. */
  readonly select?: string;
}

/** What {@link readPyTorchObject} gives: plain data with tensors in it. */
export type PyTorchValue = PyTorchTree<WeightTensor>;

const PICKLE_MARK = 0x80;

/** All tensors of a checkpoint together as float32, when it is read at once. */
const MAX_OBJECT_BYTES = 2 ** 32;

/**
 * Opens a `.pt` or `.pth` checkpoint of PyTorch 0.1.10 or later: reads what it holds now and each tensor when it is asked
 * for. Nothing in the file is executed. Tensors are named by their keys, joined by dots (`ema.blocks.0.attn.qkv.weight`;
 * with `select: 'ema'`, `blocks.0.attn.qkv.weight`); other data is left out. The caller closes the source.
 *
 * @throws {@link FileError} if the file cannot be read
 * @throws {@link CheckpointError} if it is damaged, of an even older PyTorch, refers to Python objects other than tensors and
 * plain data (the message names them), or has no part `select`
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
  const tensors = new Map<string, StoredTensor>();
  for (const [key, tensor] of flattenTensors({ path, root: part })) {
    const { shape, storage } = tensor;
    tensors.set(key, { shape, dtype: storage.type, read: () => readTensor({ key, tensor }) });
  }
  return createWeightSource({ path, tensors, close: () => file.close() });
}

/**
 * Reads a whole `.pt` or `.pth` checkpoint, or the part `select` of it, as plain data: dicts, `OrderedDict` and
 * `argparse.Namespace` become `Map`, lists and tuples arrays, sets `Set`, tensors and parameters {@link WeightTensor}.
 *
 * @throws {@link FileError} and {@link CheckpointError} as {@link openPyTorch}, and if the tensors need more than 4 GiB
 */
export async function readPyTorchObject(
  path: string,
  options: PyTorchOptions = {},
): Promise<PyTorchValue> {
  const file = await openByteFile(path);
  try {
    return await readPyTorchObjectIn(file, options);
  } finally {
    await file.close();
  }
}

/** {@link readPyTorchObject} over any bytes. */
export async function readPyTorchObjectIn(
  file: ByteSource,
  { select }: PyTorchOptions,
): Promise<PyTorchValue> {
  const { path } = file;
  const content = await readContent(file);
  const root = selectPart({ path, root: content.root, select });
  const tensors = collectTensors({ path, root });
  checkTotal({ path, tensors });
  const read = new Map<StridedTensor, WeightTensor>();
  for (const tensor of tensors) {
    const { shape, storage } = tensor;
    const data = await content.readTensor({ key: `data/${storage.key}`, tensor });
    read.set(tensor, { shape, dtype: storage.type, data });
  }
  return mapTensors({ path, root, leaf: (tensor) => read.get(tensor) as WeightTensor });
}

/** Tells a tensor from the other values of a {@link PyTorchValue}. */
export function isWeightTensor(value: unknown): value is WeightTensor {
  return (value as Partial<WeightTensor> | null)?.data instanceof Float32Array;
}

/** Since 1.6 `torch.save` writes a zip archive; before, it wrote pickles, the first byte of which is their mark. */
async function readContent(file: ByteSource): Promise<PyTorchContent> {
  const [first] = await file.read({ begin: 0, end: Math.min(1, file.sizeBytes) });
  return first === PICKLE_MARK ? readPyTorchLegacy(file) : readPyTorchArchive(file);
}

function checkTotal(options: { path: string; tensors: ReadonlySet<StridedTensor> }): void {
  const { path, tensors } = options;
  let bytes = 0;
  for (const { shape } of tensors) bytes += elementCount(shape) * Float32Array.BYTES_PER_ELEMENT;
  if (bytes <= MAX_OBJECT_BYTES) return;
  throw new CheckpointError({
    path,
    problem: `its tensors need ${bytes} bytes; expected at most ${MAX_OBJECT_BYTES} at once`,
    fix: 'Read them one by one with openPyTorch, or select a part.',
  });
}

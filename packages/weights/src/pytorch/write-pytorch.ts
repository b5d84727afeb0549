import { InvalidArgumentError } from '@harmonica/core';
import { zipSync } from 'fflate';
import { assertFilled, type TensorToWrite } from '../dtypes.js';
import { writeFileAtomic } from '../files.js';

/** What {@link writePyTorch} saves: a dict of tensors and of such dicts, by text. */
export interface PyTorchDict extends ReadonlyMap<string, TensorToWrite | PyTorchDict> {}

/** The file is made in memory, and zip archives of this kind end at 4 GiB. */
const MAX_BYTES = 2 ** 31;

/**
 * Writes a `.pt` file as `torch.save` does: dicts of float32 tensors on the CPU, which `torch.load` reads, also with
 * `weights_only`. Equal content gives equal bytes. The file appears complete or not at all.
 *
 * @throws {@link FileError} if the file cannot be written
 * @throws {@link InvalidArgumentError} if a tensor's data does not fill its shape, or there are over 2 GiB of data
 */
export function writePyTorch(path: string, root: PyTorchDict): Promise<void> {
  return writeFileAtomic({ path, chunks: [encodePyTorch(root)] });
}

/**
 * The file of {@link writePyTorch} in memory.
 *
 * @throws {@link InvalidArgumentError} as {@link writePyTorch}
 */
export function encodePyTorch(root: PyTorchDict): Uint8Array {
  const storages: Float32Array[] = [];
  const pickle = `\x80\x02${pickleDict({ dict: root, name: 'root', storages })}.`;
  checkTotal(storages);
  const records = storages.map(({ buffer, byteOffset, byteLength }, key) => [
    `archive/data/${key}`,
    new Uint8Array(buffer, byteOffset, byteLength),
  ]);
  const files: Record<string, Uint8Array> = {
    'archive/data.pkl': Buffer.from(pickle, 'latin1'),
    'archive/byteorder': Buffer.from('little'),
    ...Object.fromEntries(records),
    'archive/version': Buffer.from('3\n'),
  };
  return zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) });
}

/** Instructions as text of which each character is a byte. */
function pickleDict(options: {
  dict: PyTorchDict;
  name: string;
  /** Gets the data of each tensor; its index is the key of the storage. */
  storages: Float32Array[];
}): string {
  const { dict, name, storages } = options;
  const items = [...dict].map(([key, value]) => {
    const place = `${name}["${key}"]`;
    const item = isTensor(value)
      ? pickleTensor({ tensor: value, name: place, storages })
      : pickleDict({ dict: value, name: place, storages });
    return text(key) + item;
  });
  return `}(${items.join('')}u`;
}

/** `torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, backward_hooks)`. */
function pickleTensor(options: {
  tensor: TensorToWrite;
  name: string;
  storages: Float32Array[];
}): string {
  const { tensor, name, storages } = options;
  assertFilled(name, tensor);
  const { shape, data } = tensor;
  const key = storages.push(data) - 1;
  const id = [text('storage'), global('torch', 'FloatStorage'), text(`${key}`), text('cpu')];
  const args = [
    `${tuple([...id, integer(data.length)])}Q`,
    integer(0),
    tuple(shape.map(integer)),
    tuple(stridesOf(shape).map(integer)),
    '\x89', // False
    `${global('collections', 'OrderedDict')})R`,
  ];
  return `${global('torch._utils', '_rebuild_tensor_v2')}${tuple(args)}R`;
}

function isTensor(value: TensorToWrite | PyTorchDict): value is TensorToWrite {
  return 'data' in value;
}

/** Row-major, in elements; an axis of size 0 counts as 1, as in PyTorch. */
function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * Math.max(1, b), 1));
}

function tuple(items: readonly string[]): string {
  return `(${items.join('')}t`;
}

function text(value: string): string {
  const bytes = Buffer.from(value).toString('latin1');
  return `X${uint32(bytes.length)}${bytes}`;
}

function integer(value: number): string {
  return `J${uint32(value)}`;
}

function global(module: string, name: string): string {
  return `c${module}\n${name}\n`;
}

/** Little-endian. */
function uint32(value: number): string {
  return String.fromCharCode(...[0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff));
}

function checkTotal(storages: readonly Float32Array[]): void {
  const bytes = storages.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes <= MAX_BYTES) return;
  throw new InvalidArgumentError({
    argument: 'root',
    value: `${bytes} bytes of tensors`,
    expected: `at most ${MAX_BYTES}`,
    fix: 'Write them with writeSafetensors.',
  });
}

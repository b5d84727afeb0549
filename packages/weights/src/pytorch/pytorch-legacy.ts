import { CheckpointError } from '@harmonica/core';
import { ByteCursor } from '../byte-cursor.js';
import type { ByteRange, ByteSource } from '../byte-source.js';
import { sizeOf } from '../dtypes.js';
import {
  MAX_PICKLE_BYTES,
  type PyTorchContent,
  readStrided,
  type StorageReference,
} from './pytorch-content.js';
import { createPyTorchGlobals, loadStorage } from './pytorch-globals.js';
import { foreignError } from './pytorch-tree.js';
import { ForeignObject, unpickleNext } from './unpickle.js';

/** What the first two pickles of a file hold. */
const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;

/** Before the elements of a storage stands their number. */
const COUNT_BYTES = 8;

/**
 * Reads the object tree of a checkpoint that `torch.save` of PyTorch 0.1.10 to 1.5 wrote, without its tensors' values:
 * pickles of a magic number, the protocol, the machine, the object and the keys of its storages, then the storages.
 *
 * @throws {@link CheckpointError} if the file is damaged, truncated, something else, or has storages of an unknown type, as
 * nothing tells where the next begins
 */
export async function readPyTorchLegacy(file: ByteSource): Promise<PyTorchContent> {
  const { path, sizeBytes } = file;
  const bytes = await file.read({ begin: 0, end: Math.min(MAX_PICKLE_BYTES, sizeBytes) });
  const cursor = new ByteCursor({ path, bytes });
  const nextPlain = () => unpickleNext({ path, cursor, globals: new Map() });
  expectNumber({ path, what: 'magic number', actual: nextPlain(), expected: MAGIC_NUMBER });
  expectNumber({ path, what: 'protocol', actual: nextPlain(), expected: PROTOCOL_VERSION });
  nextPlain(); // of the machine: elements are little-endian and counts have 8 bytes whatever it says
  const storages = new Map<string, StorageReference>();
  const globals = createPyTorchGlobals(path);
  const loadPersistent = (id: unknown) => findStorage({ path, id, storages });
  const root = unpickleNext({ path, cursor, globals, loadPersistent });
  const keys = nextPlain();
  const begins = await locateStorages({ file, begin: cursor.position, keys, storages });
  const readTensor: PyTorchContent['readTensor'] = async ({ key, tensor }) => {
    const start = begins.get(tensor.storage.key) as number;
    const read = ({ begin, end }: ByteRange) =>
      file.read({ begin: start + begin, end: start + end });
    return readStrided({ path, key, tensor, read });
  };
  return { root, readTensor };
}

function expectNumber(options: {
  path: string;
  what: string;
  actual: unknown;
  expected: number | bigint;
}): void {
  const { path, what, actual, expected } = options;
  if (actual === expected) return;
  throw new CheckpointError({
    path,
    problem: `a pickle, but not of torch.save: it has no ${what} ${expected}`,
    fix: 'Give a checkpoint that torch.save wrote.',
  });
}

/** The storage of a persistent id, kept by its key, so that all ids of one key mean one storage. */
function findStorage(options: {
  path: string;
  id: unknown;
  storages: Map<string, StorageReference>;
}): StorageReference {
  const { path, id, storages } = options;
  const storage = loadStorage({ path, id });
  if (storage instanceof ForeignObject) throw foreignError({ path, object: storage });
  const { key, type, length } = storage;
  const known = storages.get(key) ?? storage;
  if (known.type !== type || known.length !== length) {
    throw fault({ path, key, problem: 'is described in two ways' });
  }
  storages.set(key, known);
  return known;
}

/** Where the elements of each storage begin. */
async function locateStorages(options: {
  file: ByteSource;
  begin: number;
  keys: unknown;
  storages: ReadonlyMap<string, StorageReference>;
}): Promise<ReadonlyMap<string, number>> {
  const { file, begin, keys, storages } = options;
  const { path, sizeBytes } = file;
  const begins = new Map<string, number>();
  let position = begin;
  for (const key of Array.isArray(keys) ? keys : []) {
    const storage = storages.get(key);
    if (!storage || begins.has(key)) {
      throw fault({
        path,
        key: String(key),
        problem: 'is listed, but not for a tensor of the file',
      });
    }
    const bytes = await file.read({ begin: position, end: position + COUNT_BYTES });
    const count = new ByteCursor({ path, bytes }).uint64();
    if (count !== storage.length) {
      const problem = `has ${count} elements at byte ${position}; expected ${storage.length}`;
      throw fault({ path, key, problem });
    }
    begins.set(key, position + COUNT_BYTES);
    position += COUNT_BYTES + count * sizeOf(storage.type);
    if (position > sizeBytes) {
      throw fault({ path, key, problem: `ends at byte ${position}; the file has ${sizeBytes}` });
    }
  }
  for (const key of storages.keys()) {
    if (!begins.has(key))
      throw fault({ path, key, problem: 'is missing from the list of storages' });
  }
  return begins;
}

function fault(options: { path: string; key: string; problem: string }): CheckpointError {
  const { path, key, problem } = options;
  return new CheckpointError({
    path,
    key: `storage ${key}`,
    problem,
    fix: 'The file is truncated or damaged; get it again.',
  });
}

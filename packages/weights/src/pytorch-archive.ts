import { CheckpointError } from '@harmonica/core';
import type { ByteSource } from './byte-source.js';
import { adoptFloat32, sizeOf } from './element-type.js';
import { createPyTorchGlobals, loadStorage } from './pytorch-globals.js';
import { type StorageReference, type StridedTensor, spanOf, toRowMajor } from './strided-tensor.js';
import { unpickle } from './unpickle.js';
import { readZipDirectory, type ZipEntry } from './zip-directory.js';
import { readZipEntry, readZipRange } from './zip-entry.js';

/** An opened PyTorch checkpoint. */
export interface PyTorchArchive {
  /** What was saved, as {@link unpickle} gives it, with {@link StridedTensor} for tensors. */
  readonly root: unknown;
  /** The values of a tensor of `root`, row-major, in memory of their own. */
  readTensor(options: { key: string; tensor: StridedTensor }): Promise<Float32Array>;
}

/** Larger pickles are refused: that of a checkpoint has some hundred bytes per tensor. */
const MAX_PICKLE_BYTES = 2 ** 26;

/**
 * Reads the object tree of a checkpoint that `torch.save` of PyTorch 1.6 or later wrote, without its tensors' values.
 *
 * @throws {@link CheckpointError} if the file is damaged, older, something else, or holds more than tensors and plain
 * data
 */
export async function readPyTorchArchive(file: ByteSource): Promise<PyTorchArchive> {
  const { path } = file;
  await refuseOldFormats(file);
  const entries = await readZipDirectory(file);
  const folder = findFolder({ path, entries });
  await checkByteOrder({ file, entry: entries.get(`${folder}byteorder`) });
  const root = unpickle({
    path,
    bytes: await readPickle({ file, entry: entries.get(`${folder}data.pkl`) as ZipEntry }),
    globals: createPyTorchGlobals(path),
    loadPersistent: (id) => loadStorage({ path, id }),
  });
  const readTensor: PyTorchArchive['readTensor'] = ({ key, tensor }) => {
    const entry = findRecord({ path, key, storage: tensor.storage, entries, folder });
    return readStrided({ file, key, tensor, entry });
  };
  return { root, readTensor };
}

/** Before 1.6 `torch.save` wrote a bare pickle, starting with its protocol mark; before 0.1.10 a tar archive. */
async function refuseOldFormats(file: ByteSource): Promise<void> {
  const [first] = await file.read({ begin: 0, end: Math.min(1, file.sizeBytes) });
  if (first !== 0x80) return;
  throw new CheckpointError({
    path: file.path,
    problem: 'a bare pickle, as PyTorch before 1.6 wrote; expected a zip archive',
    fix: 'Load it in a recent PyTorch and save it again with torch.save.',
  });
}

/** The folder in the archive that holds everything, with its slash; empty if there is none. */
function findFolder(options: { path: string; entries: ReadonlyMap<string, ZipEntry> }): string {
  const { path, entries } = options;
  for (const name of entries.keys()) {
    const folder = /^([^/]+\/)?data\.pkl$/.exec(name);
    if (folder) return folder[1] ?? '';
  }
  throw new CheckpointError({
    path,
    problem: 'a zip archive, but not of torch.save: it has no data.pkl',
    fix: 'Give a checkpoint that torch.save wrote.',
  });
}

async function checkByteOrder(options: {
  file: ByteSource;
  entry: ZipEntry | undefined;
}): Promise<void> {
  const { file, entry } = options;
  if (!entry) return; // older versions do not say; their machines were little-endian
  const order = new TextDecoder().decode(await readZipEntry({ file, entry }));
  if (order === 'little') return;
  throw new CheckpointError({
    path: file.path,
    key: entry.name,
    problem: `byte order "${order.slice(0, 20)}"; expected "little"`,
    fix: 'Save it again on a little-endian machine.',
  });
}

async function readPickle(options: { file: ByteSource; entry: ZipEntry }): Promise<Uint8Array> {
  const { file, entry } = options;
  if (entry.sizeBytes <= MAX_PICKLE_BYTES) return readZipEntry({ file, entry });
  throw new CheckpointError({
    path: file.path,
    key: entry.name,
    problem: `${entry.sizeBytes} bytes; expected at most ${MAX_PICKLE_BYTES}`,
    fix: 'No ordinary checkpoint has a pickle of that size; do not trust this file.',
  });
}

function findRecord(options: {
  path: string;
  key: string;
  storage: StorageReference;
  entries: ReadonlyMap<string, ZipEntry>;
  folder: string;
}): ZipEntry {
  const { path, key, storage, entries, folder } = options;
  const name = `${folder}data/${storage.key}`;
  const entry = entries.get(name);
  const expected = storage.length * sizeOf(storage.type);
  if (entry?.sizeBytes === expected) return entry;
  throw new CheckpointError({
    path,
    key,
    problem: `its record ${name} has ${entry?.sizeBytes ?? 'no'} bytes; expected ${expected}`,
    fix: 'The file is damaged; get it again.',
  });
}

async function readStrided(options: {
  file: ByteSource;
  key: string;
  tensor: StridedTensor;
  entry: ZipEntry;
}): Promise<Float32Array> {
  const { file, key, tensor, entry } = options;
  const { storage, offset, shape, strides } = tensor;
  const length = spanOf({ shape, strides });
  const size = sizeOf(storage.type);
  const range = { begin: offset * size, end: (offset + length) * size };
  const bytes = length === 0 ? new Uint8Array(0) : await readZipRange({ file, entry, range });
  const span = adoptFloat32({ path: file.path, key, type: storage.type, bytes });
  return toRowMajor({ span, shape, strides });
}

import { CheckpointError } from '@harmonica/core';
import type { ByteRange, ByteSource } from '../byte-source.js';
import { sizeOf } from '../dtypes.js';
import {
  MAX_PICKLE_BYTES,
  type PyTorchContent,
  readStrided,
  type StorageReference,
} from './pytorch-content.js';
import { createPyTorchGlobals, loadStorage } from './pytorch-globals.js';
import { unpickle } from './unpickle.js';
import { readZipDirectory, readZipEntry, readZipRange, type ZipEntry } from './zip.js';

/**
 * Reads the object tree of a checkpoint that `torch.save` of PyTorch 1.6 or later wrote, without its tensors' values.
 *
 * @throws {@link CheckpointError} if the file is damaged, something else, or holds more than tensors and plain data
 */
export async function readPyTorchArchive(file: ByteSource): Promise<PyTorchContent> {
  const { path } = file;
  const entries = await readZipDirectory(file);
  const folder = findFolder({ path, entries });
  await checkByteOrder({ file, entry: entries.get(`${folder}byteorder`) });
  const root = unpickle({
    path,
    bytes: await readPickle({ file, entry: entries.get(`${folder}data.pkl`) as ZipEntry }),
    globals: createPyTorchGlobals(path),
    loadPersistent: (id) => loadStorage({ path, id }),
  });
  const readTensor: PyTorchContent['readTensor'] = async ({ key, tensor }) => {
    const entry = findRecord({ path, key, storage: tensor.storage, entries, folder });
    const read = (range: ByteRange) => readZipRange({ file, entry, range });
    return readStrided({ path, key, tensor, read });
  };
  return { root, readTensor };
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

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
import { openZipContent, readZipDirectory, type ZipContent, type ZipEntry } from './zip.js';

/**
 * Reads the object tree of a checkpoint that `torch.save` of PyTorch 1.6 or later wrote, without its tensors' values.
 *
 * @throws {@link CheckpointError} if the file is damaged, something else, or holds more than tensors and plain data
 */
export async function readPyTorchArchive(file: ByteSource): Promise<PyTorchContent> {
  const { path } = file;
  const entries = await readZipDirectory(file);
  const content = openZipContent(file);
  const folder = findFolder({ path, entries });
  await checkByteOrder({ path, content, entry: entries.get(`${folder}byteorder`) });
  const root = unpickle({
    path,
    bytes: await readPickle({
      path,
      content,
      entry: entries.get(`${folder}data.pkl`) as ZipEntry,
    }),
    globals: createPyTorchGlobals(path),
    loadPersistent: (id) => loadStorage({ path, id }),
  });
  const readTensor: PyTorchContent['readTensor'] = async ({ key, tensor }) => {
    const entry = findRecord({ path, key, storage: tensor.storage, entries, folder });
    const read = (range: ByteRange) => content.read(entry, range);
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

/** "little" or "big", with room for white space. */
const MAX_BYTE_ORDER_BYTES = 16;

async function checkByteOrder(options: {
  path: string;
  content: ZipContent;
  entry: ZipEntry | undefined;
}): Promise<void> {
  const { path, content, entry } = options;
  if (!entry) return; // older versions do not say; their machines were little-endian
  checkSize({ path, entry, most: MAX_BYTE_ORDER_BYTES });
  const order = new TextDecoder().decode(await content.read(entry));
  if (order === 'little') return;
  throw new CheckpointError({
    path,
    key: entry.name,
    problem: `byte order "${order}"; expected "little"`,
    fix: 'Save it again on a little-endian machine.',
  });
}

function readPickle(options: {
  path: string;
  content: ZipContent;
  entry: ZipEntry;
}): Promise<Uint8Array> {
  const { path, content, entry } = options;
  checkSize({ path, entry, most: MAX_PICKLE_BYTES });
  return content.read(entry);
}

function checkSize({ path, entry, most }: { path: string; entry: ZipEntry; most: number }): void {
  if (entry.sizeBytes <= most) return;
  throw new CheckpointError({
    path,
    key: entry.name,
    problem: `${entry.sizeBytes} bytes; expected at most ${most}`,
    fix: 'No ordinary checkpoint has a record of that size; do not trust this file.',
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

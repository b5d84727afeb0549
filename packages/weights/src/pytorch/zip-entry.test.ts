import { CheckpointError } from '@harmonica/core';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { createMemorySource } from '../__fixtures__/memory-source.js';
import type { ByteSource } from '../byte-source.js';
import { openZipContent, readZipDirectory, type ZipEntry } from './zip.js';

const content = Uint8Array.from({ length: 1000 }, (_, i) => i % 7);
const stored = zipSync({ 'a/b': content, empty: new Uint8Array(0) }, { level: 0 });
const deflated = zipSync({ 'a/b': content }, { level: 9 });

/** A copy of `bytes` with one 16- or 32-bit field replaced, wherever `signature` stands last. */
function patched(
  bytes: Uint8Array,
  change: { signature: number; at: number; value: number; size?: 2 | 4 },
): Uint8Array {
  const { signature, at, value, size = 4 } = change;
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (let i = copy.length - 4; i >= 0; i--) {
    if (view.getUint32(i, true) !== signature) continue;
    if (size === 2) view.setUint16(i + at, value, true);
    else view.setUint32(i + at, value, true);
    return copy;
  }
  throw new RangeError('no such signature');
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;

async function entryOf(
  bytes: Uint8Array,
  name = 'a/b',
): Promise<{ file: ByteSource; entry: ZipEntry }> {
  const file = createMemorySource({ path: 'test.zip', bytes });
  return { file, entry: (await readZipDirectory(file)).get(name) as ZipEntry };
}

async function readFirst(bytes: Uint8Array): Promise<Uint8Array> {
  const { file, entry } = await entryOf(bytes);
  return openZipContent(file).read(entry);
}

describe('an entry of a zip archive', () => {
  it('reads stored, deflated and empty entries', async () => {
    expect(await readFirst(stored)).toEqual(content);
    expect(new Uint8Array(await readFirst(deflated))).toEqual(content);
    const { file, entry } = await entryOf(stored, 'empty');
    expect(await openZipContent(file).read(entry)).toEqual(new Uint8Array(0));
  });

  it('reads an archive with a comment, whatever the comment says', async () => {
    const comment = new TextEncoder().encode('PK\x05\x06'.repeat(9));
    const bytes = new Uint8Array([...deflated, ...comment]);
    const view = new DataView(bytes.buffer);
    view.setUint16(deflated.length - 2, comment.length, true);
    expect(new Uint8Array(await readFirst(bytes))).toEqual(content);
  });

  it.each([0, 9e6])('finds a directory that does not begin at byte %d', async (value) => {
    expect(await readFirst(patched(stored, { signature: END, at: 16, value }))).toEqual(content);
  });

  it('takes a checksum of 0 for none', async () => {
    const damaged = patched(deflated, { signature: CENTRAL, at: 16, value: 0 });
    expect(new Uint8Array(await readFirst(damaged))).toEqual(content);
  });
});

describe('a range of an entry', () => {
  it.each([stored, deflated])('reads a part', async (bytes) => {
    const { file, entry } = await entryOf(bytes);
    const part = await openZipContent(file).read(entry, { begin: 10, end: 30 });
    expect(new Uint8Array(part)).toEqual(content.slice(10, 30));
  });

  it('reads no more of a stored entry than the part', async () => {
    const { file, entry } = await entryOf(stored);
    const lengths: number[] = [];
    const spy: ByteSource = {
      ...file,
      read: (range) => {
        lengths.push(range.end - range.begin);
        return file.read(range);
      },
    };
    await openZipContent(spy).read(entry, { begin: 10, end: 30 });
    expect(lengths).toEqual([30, 20]); // local header, part
  });
});

describe('a zip archive is refused', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['that is empty', new Uint8Array(0), /not a complete zip/],
    ['that is text', new TextEncoder().encode('text'.repeat(20)), /not a complete zip/],
    ['that is truncated', deflated.slice(0, -1), /not a complete zip/],
    [
      'with an entry elsewhere',
      patched(deflated, { signature: CENTRAL, at: 42, value: 3 }),
      /no zip entry/,
    ],
    [
      'with an entry beyond its end',
      patched(deflated, { signature: CENTRAL, at: 42, value: 9e6 }),
      /are wanted/,
    ],
    [
      'that is encrypted',
      patched(deflated, { signature: CENTRAL, at: 8, value: 1, size: 2 }),
      /\(a\/b\): encrypted/,
    ],
    [
      'of another method',
      patched(deflated, { signature: CENTRAL, at: 10, value: 14, size: 2 }),
      /method 14/,
    ],
    [
      'with another checksum',
      patched(deflated, { signature: CENTRAL, at: 16, value: 1 }),
      /CRC-32 .*; expected 00000001/,
    ],
    [
      'that inflates to more',
      patched(deflated, { signature: CENTRAL, at: 24, value: 999 }),
      /cannot be decompressed/,
    ],
    [
      'that inflates to less',
      patched(deflated, { signature: CENTRAL, at: 24, value: 1001 }),
      /to 1000 bytes; expected 1001/,
    ],
    [
      'with data that is no deflate',
      patched(deflated, { signature: LOCAL, at: 33, value: 0xffffffff }),
      /cannot be decompressed/,
    ],
    [
      'with 64-bit sizes that it lacks',
      patched(deflated, { signature: CENTRAL, at: 24, value: 0xffffffff }),
      /decompresses from \d+ bytes to 4294967295/,
    ],
    [
      'with a 64-bit directory that it lacks',
      patched(deflated, { signature: END, at: 16, value: 0xffffffff }),
      /not a complete zip/,
    ],
  ])('%s', async (_name, bytes, message) => {
    await expect(readFirst(bytes)).rejects.toThrow(CheckpointError);
    await expect(readFirst(bytes)).rejects.toThrow(message);
  });

  it('that lists a name twice', async () => {
    const twice = zipSync({ aa: content, bb: content }, { level: 0 });
    const at = twice.lastIndexOf(0x62); // the second name in the directory
    twice.set([0x61, 0x61], at - 1);
    const read = readZipDirectory(createMemorySource({ path: 'test.zip', bytes: twice }));
    await expect(read).rejects.toThrow(/\(aa\): the zip lists it twice/);
  });
});

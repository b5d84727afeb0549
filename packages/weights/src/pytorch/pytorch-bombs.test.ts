import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { createMemorySource } from '../__fixtures__/memory-source.js';
import { archiveOf, global, pickleOf, tensor, text } from '../__fixtures__/pickles.js';
import { openPyTorchIn } from './pytorch.js';

const open = (bytes: Uint8Array) =>
  openPyTorchIn(createMemorySource({ path: 'bomb.pt', bytes }), {});

/** A list of `length` items that are one instruction each, kept as value 0. */
const list = (length: number, item = 'N') => `]q\x00(${item.repeat(length)}e`;

/** A dict of the numbers below `length`, kept as value 0. */
const dict = (length: number) => {
  const keys = Array.from(
    { length },
    (_, i) => `M${String.fromCharCode(i & 255)}${String.fromCharCode(i >> 8)}N`,
  );
  return `}q\x00(${keys.join('')}u`;
};

const copies = (name: string) => `${global('builtins', name)}h\x00\x85R0`.repeat(1000);
const counters = `${global('collections', 'Counter')}h\x00\x85R0`.repeat(1000);

/** Dicts within dicts, each under the same long name. */
const longNames = (depth: number) => [
  text('k'.repeat(100_000)),
  'q\x010}',
  'h\x01}'.repeat(depth),
  's'.repeat(depth),
];

describe('a small checkpoint that asks for much is refused by what it counts:', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['copies of a list', pickleOf(list(100_000), copies('set')), /copied items|bytes of memory/],
    ['copies of a dict', pickleOf(dict(10_000), counters), /copied items|bytes of memory/],
    ['empty dicts', pickleOf(`(${'}'.repeat(1_000_000)}l`), /bytes of memory/],
    ['kept values', pickleOf(`N${'\x94'.repeat(1_100_000)}`), /values kept for reference/],
    ['values', pickleOf(`(${'N'.repeat(1_100_000)}l`), /values on its stack/],
    ['items of shared lists', pickleOf(list(2000), `](${'h\x00'.repeat(2000)}e`), /1048576 items/],
    ['names within names', pickleOf(...longNames(90)), /characters of dotted names/],
  ])('%s', async (_name, pickle, message) => {
    await expect(open(archiveOf({ pickle }))).rejects.toThrow(message);
  });

  it('a record of the byte order that is long', async () => {
    const others = { 'archive/byteorder': new Uint8Array(2 ** 20) };
    const bytes = archiveOf({ pickle: pickleOf('}'), others });
    await expect(open(bytes)).rejects.toThrow(/byteorder\): 1048576 bytes; expected at most 16/);
  });

  it('records that are decompressed in turns', async () => {
    const length = 2 ** 23; // of float32: 32 MiB of zeros in 32 KiB
    const shape = [8];
    const items = ['0', '1'].map((key) => [
      text(key),
      tensor({ key, length, shape, strides: [1] }),
      's',
    ]);
    const bytes = zipSync(
      {
        'a/data.pkl': pickleOf('}', ...items.flat()),
        'a/data/0': new Uint8Array(4 * length),
        'a/data/1': new Uint8Array(4 * length),
      },
      { level: 1 },
    );
    const source = await open(bytes);
    for (let i = 0; i < 4; i++) expect(await source.read('0')).toEqual(new Float32Array(8));
    const inTurns = async () => {
      for (let i = 0; i < 10; i++) await source.read(`${i % 2}`);
    };
    await expect(inTurns()).rejects.toThrow(/data\/\d\): \d+ bytes were decompressed by now/);
    await source.close();
  });
});

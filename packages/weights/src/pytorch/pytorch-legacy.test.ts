import { CheckpointError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { fixture } from '../__fixtures__/fixtures.js';
import { createMemorySource } from '../__fixtures__/memory-source.js';
import { floats, global, legacyOf, pickleOf, tensor, text } from '../__fixtures__/pickles.js';
import { openPyTorch, openPyTorchIn } from './pytorch.js';

const open = (bytes: Uint8Array) =>
  openPyTorchIn(createMemorySource({ path: 'old.pt', bytes }), {});

const view = (key: string, offset: number, last = 'N') =>
  tensor({ key, length: 4, offset, shape: [2], strides: [1], view: last });
const storages = { 7: floats(1, 2, 3, 4), 8: floats(5, 6, 7, 8) };
const two = pickleOf('}', text('a'), view('7', 1), 's', text('b'), view('8', 2), 's');

describe('the layout before PyTorch 1.6', () => {
  it('is read tensor by tensor, in the order of its list of storages', async () => {
    const source = await open(legacyOf({ pickle: two, storages }));
    expect(await source.read('b')).toEqual(Float32Array.of(7, 8));
    expect(await source.read('a')).toEqual(Float32Array.of(2, 3));
    await source.close();
  });

  it('has views into one storage, and tensors without any', async () => {
    const none = tensor({ key: '7', length: 4, shape: [0, 3], strides: [3, 1], view: 'N' });
    const items = [view('7', 0), view('7', 2), none].map((item, i) => [text(`${i}`), item, 's']);
    const pickle = pickleOf('}', ...items.flat());
    const source = await open(legacyOf({ pickle, storages: { 7: storages[7] } }));
    expect(await source.read('0')).toEqual(Float32Array.of(1, 2));
    expect(await source.read('1')).toEqual(Float32Array.of(3, 4));
    expect(await source.read('2')).toEqual(new Float32Array(0));
    await source.close();
  });

  it('may be of Python 2, whose text has instructions of its own', async () => {
    const source = await openPyTorch(fixture('python-2.pt'), { select: 'state_dict' });
    expect(source.names.toSorted()).toEqual([
      'bias',
      'num_batches_tracked',
      'running_mean',
      'running_var',
      'weight',
    ]);
    expect(source.info('num_batches_tracked')).toEqual({ shape: [], dtype: 'i64' });
    expect(await source.read('running_var')).toEqual(Float32Array.of(1, 1));
    await source.close();
    const whole = await openPyTorch(fixture('python-2.pt'));
    expect(await whole.read('whole')).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5));
    expect(await whole.read('odd')).toEqual(Float32Array.of(1, 3, 5));
    expect(whole.info('half')).toEqual({ shape: [2], dtype: 'f16' });
    expect(await whole.read('half')).toEqual(Float32Array.of(0.5, -2));
    await whole.close();
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      'wants to run code',
      legacyOf({ pickle: pickleOf(global('os', 'system'), text('exit 1'), '\x85R') }),
      /\(os\.system\): .*do not trust it/,
    ],
    [
      'wants to run code before its magic number',
      legacyOf({ pickle: two, magic: pickleOf(global('os', 'system')) }),
      /no magic number/,
    ],
    [
      'is a pickle of something else',
      pickleOf('K\x01'),
      /a pickle, but not of torch\.save: it has no magic number 119547037146038801333356/,
    ],
    [
      'has another protocol',
      legacyOf({ pickle: two, protocol: pickleOf('M\xea\x03') }),
      /no protocol 1001/,
    ],
    [
      'has a view of a storage',
      legacyOf({ pickle: pickleOf(view('7', 0, '(X\x01\x00\x00\x009K\x00K\x02t')), storages }),
      /storage 7\): a storage that is a view.*save it again/,
    ],
    [
      'describes a storage in two ways',
      legacyOf({
        pickle: pickleOf(
          view('7', 0),
          tensor({ key: '7', length: 3, shape: [], strides: [] }),
          '\x86',
        ),
        storages,
      }),
      /storage 7\): is described in two ways/,
    ],
    [
      'lists a storage twice',
      legacyOf({ pickle: two, storages, keys: ['7', '7'] }),
      /storage 7\): is listed/,
    ],
    [
      'lists an unknown storage',
      legacyOf({ pickle: two, storages, keys: ['9'] }),
      /storage 9\): is listed/,
    ],
    ['lists none', legacyOf({ pickle: two, storages, keys: [] }), /storage 7\): is missing/],
    [
      'has a storage of another length',
      legacyOf({ pickle: two, storages: { ...storages, 8: floats(1) } }),
      /storage 8\): has 1 elements at byte \d+; expected 4/,
    ],
    [
      'ends within a storage',
      legacyOf({ pickle: two, storages }).slice(0, -1),
      /storage 8\): ends at byte \d+; the file has \d+/,
    ],
    [
      'ends before a storage',
      legacyOf({ pickle: two, storages }).slice(0, -20),
      /bytes .* are wanted/,
    ],
    ['ends within a pickle', legacyOf({ pickle: two, storages }).slice(0, 60), /is the end/],
  ])('is refused if it %s', async (_name, bytes, message) => {
    await expect(open(bytes)).rejects.toThrow(CheckpointError);
    await expect(open(bytes)).rejects.toThrow(message);
  });
});

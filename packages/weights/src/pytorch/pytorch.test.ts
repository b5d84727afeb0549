import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, FileError } from '@harmonica/core';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { expectedTensors, expectTensors, fixture } from '../__fixtures__/fixtures.js';
import { createMemorySource } from '../__fixtures__/memory-source.js';
import { archiveOf, floats, global, pickleOf, tensor, text } from '../__fixtures__/pickles.js';
import { openPyTorch, openPyTorchIn, type PyTorchOptions } from './pytorch.js';
import { readPyTorchArchive } from './pytorch-archive.js';
import { readPyTorchLegacy } from './pytorch-legacy.js';
import { selectPart } from './pytorch-tree.js';

function open(bytes: Uint8Array, options: PyTorchOptions = {}) {
  return openPyTorchIn(createMemorySource({ path: 'test.pt', bytes }), options);
}

/** Instructions of a dict with one entry. */
function dict(key: string, ...value: readonly (string | Uint8Array)[]) {
  return ['}', text(key), ...value, 's'];
}

describe('openPyTorch', () => {
  it.each([
    'mixed.pt',
    'protocol-5.pt',
    'deflated.pt',
    'zip64.pt',
    'no-checksums.pt',
    'legacy.pt',
    'legacy-mixed.pt',
  ])('reads every tensor of %s exactly', async (name) => {
    const source = await openPyTorch(fixture(name));
    await expectTensors({ source, expected: expectedTensors(name) });
  });

  it('reads the routers of a router checkpoint under the names of the model', async () => {
    const expected = Object.fromEntries(
      Array.from({ length: 10 }, (_, step) => [
        `${step}.prob`,
        expectedTensors('router-checkpoint.pt')[`routers.${step}.prob`],
      ]),
    ) as ReturnType<typeof expectedTensors>;
    const source = await openPyTorch(fixture('router-checkpoint.pt'), { select: 'routers' });
    await expectTensors({ source, expected });
  });

  it('selects parts of parts, and items of lists', async () => {
    const source = await openPyTorch(fixture('mixed.pt'), { select: 'list.1' });
    expect(source.names).toEqual(['0', '1.deep']);
    expect(await source.read('1.deep')).toEqual(Float32Array.of(3));
    await source.close();
  });

  it('lists the parts when there is none of that name', async () => {
    const opened = openPyTorch(fixture('router-checkpoint.pt'), { select: 'router' });
    await expect(opened).rejects.toThrow(CheckpointError);
    await expect(opened).rejects.toThrow(
      /\(router\): no "router"\. There is: routers, opt, args\./,
    );
    const deeper = openPyTorch(fixture('router-checkpoint.pt'), { select: 'args.l1.x' });
    await expect(deeper).rejects.toThrow(/\(args\.l1\.x\): no "x"\. It is no dict/);
  });

  it('names tensors of one storage apart, and one tensor in two places twice', async () => {
    const shared = tensor({ key: '0', length: 4, offset: 1, shape: [3], strides: [1] });
    const pickle = pickleOf('}', text('a'), shared, 'q\x00s', text('b'), 'h\x00s');
    const source = await open(archiveOf({ pickle, storages: { 0: floats(1, 2, 3, 4) } }));
    expect(source.names).toEqual(['a', 'b']);
    expect(await source.read('b')).toEqual(Float32Array.of(2, 3, 4));
  });

  it('gives every read memory of its own', async () => {
    const source = await openPyTorch(fixture('no-checksums.pt'));
    (await source.read('w')).fill(0);
    expect(await source.read('w')).toEqual(Float32Array.of(1, 1));
    await source.close();
  });

  it('says when there is no such file', async () => {
    await expect(openPyTorch('none.pt')).rejects.toThrow(FileError);
  });
});

describe('the pickle of a checkpoint', () => {
  it.each([
    { name: 'mixed.pt', readContent: readPyTorchArchive },
    { name: 'legacy-mixed.pt', readContent: readPyTorchLegacy },
  ])('gives plain data of $name as it is', async ({ name, readContent }) => {
    const bytes = await readFile(fixture(name));
    const { root } = await readContent(createMemorySource({ path: name, bytes }));
    expect(selectPart({ path: name, root, select: 'plain' })).toEqual(
      new Map<unknown, unknown>([
        ['integers', [0, -1, 255, 65535, -(2 ** 31), 2 ** 40, 2n ** 53n, 2n ** 70n, -(2n ** 70n)]],
        ['floats', [0.1, -1e300]],
        ['flags', [true, false, null]],
        ['set', new Set([1, 2])],
        ['frozenset', new Set(['a'])],
        ['size', [2, 3]],
        [7, 'seven'],
      ]),
    );
  });

  it('may be a bare tensor, which has no name', async () => {
    const pickle = pickleOf(tensor({ key: '0', length: 1, shape: [], strides: [] }));
    const bytes = archiveOf({ pickle, storages: { 0: floats(5) } });
    await expect(open(bytes)).rejects.toThrow(/bare tensor.*dict/);
  });
});

describe('a PyTorch checkpoint is refused', () => {
  const one = tensor({ key: '0', length: 2, shape: [2], strides: [1] });
  const storages = { 0: floats(1, 2) };

  it('that wants to run code, and nothing runs', async () => {
    const pickle = pickleOf(...dict('w', one), global('os', 'system'), text('exit 1'), '\x85R');
    const bytes = archiveOf({ pickle, storages });
    await expect(open(bytes)).rejects.toThrow(CheckpointError);
    await expect(open(bytes)).rejects.toThrow(/\(os\.system\): .*do not trust it/);
  });

  const system = [global('os', 'system'), text('exit 1'), '\x85R'] as const;

  it('only where a Python object of unknown kind stands beside the tensor that is read', async () => {
    const part = (name: string, ...parts: readonly (string | Uint8Array)[]) =>
      [text(name), '}', text('w'), one, 's', ...parts, 's'] as const;
    const run = [text('run'), ...system, 's'] as const;
    const pickle = pickleOf('}', ...part('model'), ...part('ema', ...run), ...run);
    const bytes = archiveOf({ pickle, storages });
    const source = await open(bytes);
    expect(await source.read('model.w')).toEqual(Float32Array.of(1, 2));
    await expect(source.read('ema.w')).rejects.toThrow(/\(os\.system\): .* at ema\.run; only/);
    await expect(open(bytes, { select: 'run' })).rejects.toThrow(/\(os\.system\): the pickle asks/);
  });

  it.each<[string, readonly string[]]>([
    [
      'a NumPy scalar',
      [
        ...[global('numpy._core.multiarray', 'scalar'), global('numpy', 'dtype')],
        '(\x8c\x02f8\x89\x88tR(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb',
        'C\x08\x9a\x99\x99\x99\x99\x99\xb9\x3f\x86R',
      ],
    ],
    ['a path', [global('pathlib', 'PosixPath'), '(\x8c\x01/\x8c\x03tmptR']],
    ['a dtype', [global('torch', 'float32')]],
    ['a device', [global('torch', 'device'), '\x8c\x03cpu\x85R']],
    ['a Counter', [global('collections', 'Counter'), '}\x8c\x01aK\x02s\x85R']],
    ['bytes of protocol 2', [global('_codecs', 'encode'), '\x8c\x01a\x8c\x06latin1\x86R']],
  ])('not for %s beside the part that is selected', async (_name, parts) => {
    const model = [text('model'), ...dict('w', one), 's'] as const;
    const pickle = pickleOf('}', text('extra'), ...parts, 's', ...model);
    const source = await open(archiveOf({ pickle, storages }), { select: 'model' });
    expect(await source.read('w')).toEqual(Float32Array.of(1, 2));
  });

  it('only without tensors, if such an object holds some', async () => {
    const pickle = pickleOf(
      '}',
      text('net'),
      global('my', 'Net'),
      ')\x81',
      ...dict('w', one),
      'bs',
    );
    await expect(open(archiveOf({ pickle, storages }))).rejects.toThrow(
      /\(my\.Net\): .* at net; only/,
    );
  });

  it('that holds a whole module', async () => {
    const opened = openPyTorch(fixture('module.pt'));
    await expect(opened).rejects.toThrow(/torch\.nn\.modules\.linear\.Linear.*state dict/);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['that is no zip', new TextEncoder().encode('text'.repeat(9)), /not a complete zip archive/],
    ['of another program', zipSync({ 'a.npy': floats(1) }), /not of torch\.save/],
    [
      'of a big-endian machine',
      archiveOf({ pickle: pickleOf('}'), others: { 'archive/byteorder': ascii('big') } }),
      /byte order "big"/,
    ],
    [
      'with an enormous pickle',
      zipSync({ 'a/data.pkl': new Uint8Array(2 ** 26 + 1) }),
      /67108865 bytes; expected at most 33554432/,
    ],
    [
      'with a persistent id of no storage',
      archiveOf({ pickle: pickleOf('(', text('module'), 'NNNNtQ') }),
      /malformed storage/,
    ],
    [
      'with a persistent id that is no tuple',
      archiveOf({ pickle: pickleOf('NQ') }),
      /malformed object/,
    ],
    [
      'with a storage of an unknown type',
      archiveOf({ pickle: pickleOf(global('torch', 'ComplexFloatStorage')) }),
      /torch\.ComplexFloatStorage/,
    ],
    [
      'with a tensor of no storage',
      archiveOf({ pickle: pickleOf(global('torch._utils', '_rebuild_tensor_v2'), 'NK\x00))tR') }),
      /no mark/,
    ],
    [
      'with a tensor of text',
      archiveOf({ pickle: pickleOf(global('torch._utils', '_rebuild_tensor_v2'), ')R') }),
      /malformed tensor/,
    ],
    [
      'with a parameter of text',
      archiveOf({ pickle: pickleOf(global('torch._utils', '_rebuild_parameter'), ')R') }),
      /malformed parameter/,
    ],
    [
      'with an OrderedDict of numbers',
      archiveOf({ pickle: pickleOf(global('collections', 'OrderedDict'), 'K\x01\x85R') }),
      /malformed object/,
    ],
    [
      'with a Namespace of numbers',
      archiveOf({ pickle: pickleOf(global('argparse', 'Namespace'), ')\x81K\x01b') }),
      /malformed Namespace/,
    ],
    [
      'with two tensors of one dotted name',
      archiveOf({
        pickle: pickleOf('}', text('a'), ...dict('b', one), 's', text('a.b'), one, 's'),
      }),
      /\(a\.b\): two tensors/,
    ],
    [
      'that contains itself',
      archiveOf({ pickle: pickleOf(']q\x00h\x00a') }),
      /more than 100 containers/,
    ],
    ['with too many items', archiveOf({ pickle: laughs(23) }), /over 33554432 characters/],
  ])('%s', async (_name, bytes, message) => {
    const opened = open(bytes);
    await expect(opened).rejects.toThrow(CheckpointError);
    await expect(opened).rejects.toThrow(message);
  });

  it('whose storage is missing or of another size, when the tensor is read', async () => {
    const pickle = pickleOf(...dict('w', one));
    const missing = await open(archiveOf({ pickle }));
    await expect(missing.read('w')).rejects.toThrow(
      /\(w\): its record archive\/data\/0 has no bytes/,
    );
    const short = await open(archiveOf({ pickle, storages: { 0: floats(1) } }));
    await expect(short.read('w')).rejects.toThrow(/has 4 bytes; expected 8/);
  });

  it('whose storage is damaged, when the tensor is read', async () => {
    const bytes = archiveOf({ pickle: pickleOf(...dict('w', one)), storages: { 0: floats(1, 2) } });
    const at = Buffer.from(bytes).indexOf(floats(1, 2));
    bytes[at] = 1;
    const source = await open(bytes);
    await expect(source.read('w')).rejects.toThrow(/CRC-32/);
  });

  it('without leaving the file open', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'harmonica-pytorch-'));
    const path = join(folder, 'bad.pt');
    await writeFile(path, archiveOf({ pickle: pickleOf(global('os', 'system')) }));
    await expect(openPyTorch(path)).rejects.toThrow(/bad\.pt \(os\.system\)/);
    await rm(folder, { recursive: true }); // Windows would refuse
  });
});

/** A list of two references to a list of two references ... of nothing: 2^depth items, if one counts. */
function laughs(depth: number): Uint8Array {
  return pickleOf(']', ...Array.from({ length: depth }, () => ['q\x00', ']h\x00ah\x00a']).flat());
}

function ascii(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

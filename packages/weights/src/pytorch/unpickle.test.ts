import { CheckpointError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { global, pickleOf, text, uint32 } from '../__fixtures__/pickles.js';
import { ForeignObject, PickleGlobal, unpickle } from './unpickle.js';

const point = new PickleGlobal({
  name: 'shapes.Point',
  call: (args) => ({ args }),
  setState: (object, state) => Object.assign(object as object, { state }),
});
const constant = new PickleGlobal({ name: 'shapes.UNIT' });
const globals = new Map([point, constant].map((entry) => [entry.name, entry]));

function load(
  bytes: Uint8Array,
  options: { stack?: number; memo?: number; operations?: number; bytes?: number } = {},
) {
  const limits = { stack: 1000, memo: 1000, operations: 1000, bytes: 100_000, ...options };
  return unpickle({ path: 'test.pkl', bytes, globals, limits });
}

describe('unpickle', () => {
  it.each<[string, Uint8Array, unknown]>([
    ['None', pickleOf('N'), null],
    ['True and False', pickleOf('\x88\x89\x86'), [true, false]],
    ['a byte', pickleOf('K\xff'), 255],
    ['two bytes', pickleOf('M\xff\xff'), 65535],
    ['four bytes', pickleOf('J\xfe\xff\xff\xff'), -2],
    ['a long zero', pickleOf('\x8a\x00'), 0],
    ['a negative long', pickleOf('\x8a\x01\xff'), -1],
    ['a long of 2^53 - 1', pickleOf('\x8a\x07\xff\xff\xff\xff\xff\xff\x1f'), 2 ** 53 - 1],
    ['a long of 2^53', pickleOf('\x8a\x07\x00\x00\x00\x00\x00\x00\x20'), 2n ** 53n],
    ['a long of four length bytes', pickleOf('\x8b\x02\x00\x00\x00\x00\x80'), -32768],
    ['a float', pickleOf('G\x3f\xb9\x99\x99\x99\x99\x99\x9a'), 0.1],
    ['text', pickleOf(text('größe \u{1f600}')), 'größe \u{1f600}'],
    ['short text', pickleOf('\x8c\x02ab'), 'ab'],
    ['long text', pickleOf('\x8d\x01\x00\x00\x00\x00\x00\x00\x00a'), 'a'],
    ['text of Python 2', pickleOf('U\x03a\xc3\xbc'), 'a\u00fc'],
    ['longer text of Python 2', pickleOf('T', uint32(2), 'ab'), 'ab'],
    ['text with a byte order mark', pickleOf(text('\ufeffa')), '\ufeffa'],
    ['bytes', pickleOf('C\x02\x00\xff'), Uint8Array.of(0, 255)],
    ['longer bytes', pickleOf('B', uint32(1), '\x07'), Uint8Array.of(7)],
    ['long bytes', pickleOf('\x8e\x01\x00\x00\x00\x00\x00\x00\x00\x07'), Uint8Array.of(7)],
    ['a byte array', pickleOf('\x96\x01\x00\x00\x00\x00\x00\x00\x00\x07'), Uint8Array.of(7)],
    ['tuples', pickleOf('N\x85)\x86NN\x87'), [[[null], []], null, null]],
    ['a list', pickleOf('](K\x01K\x02eK\x03a'), [1, 2, 3]],
    ['a list from a mark', pickleOf('(K\x01K\x02l'), [1, 2]],
    [
      'a dict',
      pickleOf('}(K\x01NK\x02\x88uK\x03\x89s'),
      new Map<unknown, unknown>([
        [1, null],
        [2, true],
        [3, false],
      ]),
    ],
    ['a dict from a mark', pickleOf('(', text('a'), 'Nd'), new Map([['a', null]])],
    ['a set', pickleOf('\x8f(K\x01K\x01K\x02\x90'), new Set([1, 2])],
    ['a frozenset', pickleOf('(K\x01\x91'), new Set([1])],
    ['a copy of the top', pickleOf('K\x012\x86'), [1, 1]],
    ['a value that was dropped', pickleOf('K\x01K\x020'), 1],
    ['a mark that was dropped', pickleOf('K\x01(0'), 1],
    ['values dropped to a mark', pickleOf('K\x01(K\x02K\x031'), 1],
    [
      'kept values',
      pickleOf('K\x07q\x000K\x08r\xff\xff\xff\x7f0h\x00j\xff\xff\xff\x7f\x86'),
      [7, 8],
    ],
    ['values kept in a row', pickleOf('K\x07\x940K\x08\x940h\x00h\x01\x86'), [7, 8]],
    ['a called global', pickleOf(global('shapes', 'Point'), 'K\x01\x85R'), { args: [1] }],
    ['a made object', pickleOf(global('shapes', 'Point'), ')\x81'), { args: [] }],
    ['an object of a mark', pickleOf('(K\x01ishapes\nPoint\n'), { args: [1] }],
    ['a made object of no keywords', pickleOf(global('shapes', 'Point'), ')}\x92'), { args: [] }],
    [
      'an object of a mark and its class',
      pickleOf('(', global('shapes', 'Point'), 'NNo'),
      { args: [null, null] },
    ],
    ['a restored object', pickleOf(global('shapes', 'Point'), ')RNb'), { args: [], state: null }],
    ['a global of the stack', pickleOf(text('shapes'), text('UNIT'), '\x93'), constant],
    ['frames', pickleOf('\x95\x01\x00\x00\x00\x00\x00\x00\x00N'), null],
  ])('reads %s', (_name, bytes, expected) => {
    expect(load(bytes)).toEqual(expected);
  });

  it('keeps one object one object, even if it contains itself', () => {
    const list = load(pickleOf(']q\x00h\x00a')) as unknown[];
    expect(list[0]).toBe(list);
  });

  it('hands persistent ids to its caller', () => {
    const loadPersistent = (id: unknown) => ({ id });
    const bytes = pickleOf(text('a'), 'Q');
    expect(unpickle({ path: '', bytes, globals, loadPersistent })).toEqual({ id: 'a' });
    expect(() => load(bytes)).toThrow(/persistent id/);
  });
});

describe('a Python object of unknown kind', () => {
  it.each<[string, Uint8Array]>([
    ['os.system', pickleOf(global('os', 'system'), text('echo pwned'), '\x85R')],
    ['os.system', pickleOf('(', text('echo pwned'), 'ios\nsystem\n')],
    ['os.system', pickleOf(text('os'), text('system'), '\x93', text('echo'), '\x85R')],
    ['posix.system', pickleOf(global('posix', 'system'), text('echo'), '\x85R')],
    ['builtins.eval', pickleOf(global('builtins', 'eval'), text('1'), '\x85R')],
    ['__builtin__.getattr', pickleOf(global('__builtin__', 'getattr'))],
    ['shapes.Point.call', pickleOf(text('shapes'), text('Point.call'), '\x93')],
    ['constructor.prototype', pickleOf(global('constructor', 'prototype'))],
    ['subprocess.Popen', pickleOf('(', global('subprocess', 'Popen'), text('ls'), 'o')],
    ['a.dict', pickleOf(global('a', 'dict'), ')\x81(', text('key'), 'NuNb')],
    ['a.dict', pickleOf(global('a', 'dict'), ')\x81NNs')],
    ['a.list', pickleOf(global('a', 'list'), ')\x81(NNeNa')],
    ['a.set', pickleOf(global('a', 'set'), ')\x81(NN\x90')],
    ['a.Keyed', pickleOf(global('a', 'Keyed'), ')}', text('b'), 'Ns\x92')],
    ['a.argument', pickleOf(global('shapes', 'Point'), global('a', 'argument'), '\x85R')],
  ])('%s is inert, whatever is done with it', (name, bytes) => {
    expect(load(bytes)).toEqual(new ForeignObject(name));
  });

  it('leaves what is beside it as it is', () => {
    const foreign = new ForeignObject('os.system');
    expect(load(pickleOf(']K\x01a', global('os', 'system'), ')RaK\x02a'))).toEqual([1, foreign, 2]);
  });
});

describe('unpickle refuses', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /is the end/],
    ['no end', pickleOf('N').slice(0, -1), /1 bytes are due at byte 3/],
    ['an empty stack', pickleOf(), /empty stack/],
    ['a value from below a mark', pickleOf('K\x01(0(\x85'), /empty stack/],
    ['no mark', pickleOf('e'), /no mark/],
    ['text beyond the end', pickleOf('X\xff\xff\xff\xff'), /4294967295 bytes are due/],
    ['text of 2^64 bytes', pickleOf('\x8d\xff\xff\xff\xff\xff\xff\xff\xff'), /bytes are due/],
    ['text that is not UTF-8', pickleOf('\x8c\x01\xff'), /not UTF-8/],
    ['a name without end', pickleOf('cos'), /is the end/],
    ['integers of great length', pickleOf('\x8b\x00\x01\x00\x00'), /integer of 256 bytes/],
    ['protocol 0', pickleOf('\x80\x00N'), /protocol 0/],
    ['protocol 6', pickleOf('\x80\x06N'), /protocol 6/],
    ['unknown instructions', pickleOf('N\xff'), /instruction 0xff at byte 3/],
    ['extension codes', pickleOf('\x82\x01'), /instruction 0x82/],
    ['appending to a number', pickleOf('K\x01Na'), /no list/],
    ['items of a list', pickleOf(']NNs'), /no dict/],
    ['members of a list', pickleOf('](N\x90'), /no set/],
    ['a key without value', pickleOf('}(Nu'), /key without/],
    ['calls with keywords', pickleOf(global('shapes', 'Point'), ')}NNs\x92'), /keywords/],
    ['calls of a text', pickleOf(text('a'), ')R'), /no function/],
    ['calls of a global that is none', pickleOf(global('shapes', 'UNIT'), ')R'), /no function/],
    ['calls without a tuple', pickleOf(global('shapes', 'Point'), 'NR'), /no function/],
    ['attributes of a dict', pickleOf('}}b'), /attributes/],
    ['a name that is no text', pickleOf('NN\x93'), /name is due/],
    ['values never kept', pickleOf('h\x05'), /value 5/],
  ])('%s', (_name, bytes, message) => {
    expect(() => load(bytes)).toThrow(CheckpointError);
    expect(() => load(bytes)).toThrow(message);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['stack', pickleOf('N'.repeat(11)), /more than 10 values on its stack/],
    ['stack', pickleOf('('.repeat(11)), /more than 10 values on its stack/],
    ['memo', pickleOf(`N${'\x94'.repeat(11)}`), /more than 10 values kept for reference/],
    ['operations', pickleOf('N0'.repeat(6)), /more than 10 instructions and copied items/],
    ['operations', pickleOf('](NNNNe'), /more than 10 instructions and copied items/],
    ['operations', pickleOf(global('shapes', 'Point'), '(NNNt', 'R'), /more than 10 instructions/],
    ['bytes', pickleOf(']0'.repeat(3)), /more than 10 bytes of memory/],
    ['bytes', pickleOf(text('a')), /more than 10 bytes of memory/],
  ])('a bomb: more %s than allowed', (limit, bytes, message) => {
    expect(() => load(bytes, { [limit]: 10 })).toThrow(CheckpointError);
    expect(() => load(bytes, { [limit]: 10 })).toThrow(message);
    expect(() => load(bytes, { [limit]: 9999 })).not.toThrow(message);
  });
});

import { CheckpointError, DTypeError, InvalidArgumentError, NonFiniteError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';

const matrix = { shape: [2, 3], data: Float32Array.of(1, -2, 0.5, 0, 65504, 2 ** -24) };
const scalar = { shape: [], data: Float32Array.of(7) };
const empty = { shape: [0, 4], data: new Float32Array(0) };
const tensors = new Map([
  ['weights.b', matrix],
  ['weights.a', scalar],
  ['none', empty],
]);

/** A file with the given header text and data. */
function fileOf(header: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

function entry(begin: number, end: number, options: { shape?: unknown; dtype?: string } = {}) {
  const { shape = [(end - begin) / 4], dtype = 'F32' } = options;
  return JSON.stringify({ dtype, shape, data_offsets: [begin, end] });
}

describe('encodeSafetensors and decodeSafetensors', () => {
  it.each(['f32', 'f16'] as const)('gives back exact values through %s', (dtype) => {
    const decoded = decodeSafetensors(encodeSafetensors({ tensors, dtype }));
    expect([...decoded.tensors.keys()]).toEqual(['none', 'weights.a', 'weights.b']);
    expect(decoded.tensors.get('weights.b')).toEqual({ ...matrix, dtype });
    expect(decoded.tensors.get('weights.a')).toEqual({ ...scalar, dtype });
    expect(decoded.tensors.get('none')).toEqual({ ...empty, dtype });
  });

  it('rounds to bf16', () => {
    const file = encodeSafetensors({ tensors, dtype: 'bf16' });
    const decoded = decodeSafetensors(file).tensors.get('weights.b');
    expect(decoded?.data).toEqual(Float32Array.of(1, -2, 0.5, 0, 65536, 2 ** -24));
  });

  it('keeps metadata, and any name that JSON can hold', () => {
    const names = ['__proto__', '7', 'a "quoted" \\ name', 'größe', ''];
    const file = encodeSafetensors({
      tensors: new Map(names.map((name) => [name, scalar])),
      metadata: { format: 'pt', note: 'two\nlines' },
    });
    const decoded = decodeSafetensors(file);
    expect(new Set(decoded.tensors.keys())).toEqual(new Set(names));
    expect(decoded.metadata).toEqual({ format: 'pt', note: 'two\nlines' });
  });

  it('starts the data at a multiple of 8', () => {
    const file = encodeSafetensors({ tensors });
    expect(Number(new DataView(file.buffer).getBigUint64(0, true)) % 8).toBe(0);
  });

  it('reads a file that is a view at an odd offset', () => {
    const file = encodeSafetensors({ tensors });
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    expect(decodeSafetensors(shifted.subarray(3))).toEqual(decodeSafetensors(file));
  });

  it('gives tensors memory of their own', () => {
    const file = encodeSafetensors({ tensors });
    const decoded = decodeSafetensors(file).tensors.get('weights.b');
    file.fill(0);
    expect(decoded?.data).toEqual(matrix.data);
  });

  it.each([
    ['F64', new Uint8Array(Float64Array.of(0.1).buffer), Math.fround(0.1)],
    ['I64', new Uint8Array(BigInt64Array.of(-5n).buffer), -5],
    ['U64', new Uint8Array(BigUint64Array.of(2n ** 63n).buffer), 2 ** 63],
    ['I32', new Uint8Array(Int32Array.of(-7).buffer), -7],
    ['U32', new Uint8Array(Uint32Array.of(2 ** 31).buffer), 2 ** 31],
    ['I16', new Uint8Array(Int16Array.of(-300).buffer), -300],
    ['U16', new Uint8Array(Uint16Array.of(60000).buffer), 60000],
    ['I8', Uint8Array.of(0xff), -1],
    ['U8', Uint8Array.of(0xff), 255],
    ['BOOL', Uint8Array.of(1), 1],
  ])('reads %s', (dtype, data, value) => {
    const file = fileOf(`{"x":${entry(0, data.length, { dtype, shape: [1] })}}`, data);
    expect(decodeSafetensors(file).tensors.get('x')).toEqual({
      shape: [1],
      dtype: dtype.toLowerCase(),
      data: Float32Array.of(value),
    });
  });
});

describe('decodeSafetensors refuses', () => {
  const data = new Uint8Array(8);

  it.each<[string, Uint8Array, RegExp]>([
    ['a truncated prefix', new Uint8Array(5), /5 bytes, too short/],
    [
      'a header longer than the file',
      fileOf('{}').fill(255, 0, 8),
      /header of 18446744073709551615/,
    ],
    ['a truncated header', fileOf('{"x":1}').subarray(0, 12), /header of 7 bytes.*at most 4/],
    ['text that is not JSON', fileOf('{"x"'), /not JSON/],
    ['bytes that are not UTF-8', fileOf('{"x":1}').fill(0xff, 9, 10), /not JSON/],
    ['JSON that is not an object', fileOf('[]'), /not a JSON object/],
    ['an entry that is not an object', fileOf('{"x":3}'), /\(x\): malformed/],
    ['a missing shape', fileOf('{"x":{"dtype":"F32","data_offsets":[0,0]}}'), /\(x\): malformed/],
    ['negative sizes', fileOf(`{"x":${entry(0, 8, { shape: [-2] })}}`, data), /malformed/],
    ['fractional sizes', fileOf(`{"x":${entry(0, 8, { shape: [0.5] })}}`, data), /malformed/],
    ['data that ends before it begins', fileOf(`{"x":${entry(8, 0)}}`, data), /malformed/],
    [
      'a shape that does not fit',
      fileOf(`{"x":${entry(0, 8, { shape: [3] })}}`, data),
      /8 bytes of data; expected 12/,
    ],
    ['truncated data', fileOf(`{"x":${entry(0, 8)}}`, data.subarray(1)), /truncated/],
    ['trailing bytes', fileOf(`{"x":${entry(0, 4)}}`, data), /bytes too many/],
    [
      'overlapping tensors',
      fileOf(`{"x":${entry(0, 8)},"y":${entry(4, 8)}}`, data),
      /\(y\).*overlaps/,
    ],
    ['a gap', fileOf(`{"x":${entry(4, 8)}}`, data), /\(x\).*gap/],
    [
      'a repeated name',
      fileOf(`{"x":${entry(0, 4)},"\\u0078":${entry(4, 8)}}`, data),
      /\(x\).*twice/,
    ],
    ['metadata that is not text', fileOf('{"__metadata__":{"a":1}}'), /__metadata__/],
  ])('%s', (_name, file, message) => {
    expect(() => decodeSafetensors(file)).toThrow(message);
    expect(() => decodeSafetensors(file)).toThrow(CheckpointError);
  });

  it('an element type it does not know', () => {
    const file = fileOf(`{"x":${entry(0, 8, { dtype: 'F4', shape: [16] })}}`, data);
    expect(() => decodeSafetensors(file)).toThrow(DTypeError);
    expect(() => decodeSafetensors(file)).toThrow(/\(x\) is F4; expected one of f64/);
    const lower = fileOf(`{"x":${entry(0, 8, { dtype: 'f32' })}}`, data);
    expect(() => decodeSafetensors(lower)).toThrow(DTypeError);
  });
});

describe('encodeSafetensors refuses', () => {
  it('data that does not fill the shape', () => {
    const bad = new Map([['x', { shape: [4], data: new Float32Array(3) }]]);
    expect(() => encodeSafetensors({ tensors: bad })).toThrow(InvalidArgumentError);
  });

  it('shapes, types and metadata that no file can hold', () => {
    const negative = new Map([['x', { shape: [-2, -2], data: new Float32Array(4) }]]);
    expect(() => encodeSafetensors({ tensors: negative })).toThrow(/shape is \[-2,-2\]/);
    const dtype = 'f64' as 'f32';
    expect(() => encodeSafetensors({ tensors, dtype })).toThrow(/dtype is "f64"/);
    const metadata = { steps: 20 } as unknown as Record<string, string>;
    expect(() => encodeSafetensors({ tensors, metadata })).toThrow(/metadata\["steps"\] is 20/);
  });

  it('the reserved name', () => {
    const bad = new Map([['__metadata__', scalar]]);
    expect(() => encodeSafetensors({ tensors: bad })).toThrow(InvalidArgumentError);
  });

  it('to turn a finite value into infinity', () => {
    const large = new Map([['x', { shape: [2], data: Float32Array.of(Infinity, 65520) }]]);
    expect(() => encodeSafetensors({ tensors: large, dtype: 'f16' })).toThrow(NonFiniteError);
    expect(() => encodeSafetensors({ tensors: large, dtype: 'f16' })).toThrow(/"x", value 65520/);
    const infinite = new Map([['x', { shape: [1], data: Float32Array.of(Infinity) }]]);
    const decoded = decodeSafetensors(encodeSafetensors({ tensors: infinite, dtype: 'f16' }));
    expect(decoded.tensors.get('x')?.data).toEqual(Float32Array.of(Infinity));
  });
});

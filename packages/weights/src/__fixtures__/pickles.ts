import { zipSync } from 'fflate';

/** A pickle of protocol 2 from its instructions: text stands for its Latin-1 bytes. `STOP` is added. */
export function pickleOf(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  return concatenate(['\x80\x02', ...parts, '.']);
}

/** The instruction that pushes a text. */
export function text(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  return concatenate(['X', uint32(bytes.length), bytes]);
}

/** The instruction that refers to a Python object by name. */
export function global(module: string, name: string): string {
  return `c${module}\n${name}\n`;
}

/** Four little-endian bytes. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** A tensor of a float32 storage: instructions that rebuild it. Sizes below 256. */
export function tensor(options: {
  key: string;
  length: number;
  offset?: number;
  shape: readonly number[];
  strides: readonly number[];
}): Uint8Array {
  const { key, length, offset = 0, shape, strides } = options;
  return concatenate([
    global('torch._utils', '_rebuild_tensor_v2'),
    '((',
    text('storage'),
    global('torch', 'FloatStorage'),
    text(key),
    text('cuda:0'),
    int(length),
    'tQ',
    int(offset),
    `(${shape.map(int).join('')}t`,
    `(${strides.map(int).join('')}t`,
    '\x89',
    `${global('collections', 'OrderedDict')})R`,
    'tR',
  ]);
}

/** A checkpoint as torch.save lays it out, with the given pickle and storages. */
export function archiveOf(options: {
  pickle: Uint8Array;
  storages?: Readonly<Record<string, Uint8Array>>;
  others?: Readonly<Record<string, Uint8Array>>;
}): Uint8Array {
  const { pickle, storages = {}, others = {} } = options;
  const records = Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes]);
  const files = { 'archive/data.pkl': pickle, ...Object.fromEntries(records), ...others };
  return zipSync(files, { level: 0 });
}

/** Bytes of float32 values. */
export function floats(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

function int(value: number): string {
  return `K${String.fromCharCode(value)}`;
}

function concatenate(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const bytes = parts.map((part) =>
    typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part),
  );
  return new Uint8Array(Buffer.concat(bytes));
}

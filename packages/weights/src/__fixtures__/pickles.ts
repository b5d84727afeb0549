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

/** A tensor of a float32 storage: instructions that rebuild it. */
export function tensor(options: {
  key: string;
  length: number;
  offset?: number;
  shape: readonly number[];
  strides: readonly number[];
  /** The last item of the storage's id before PyTorch 1.6. Later ones have none. */
  view?: string;
}): Uint8Array {
  const { key, length, offset = 0, shape, strides, view = '' } = options;
  return concatenate([
    global('torch._utils', '_rebuild_tensor_v2'),
    '((',
    text('storage'),
    global('torch', 'FloatStorage'),
    text(key),
    text('cuda:0'),
    int(length),
    view,
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

/** The first pickle of a checkpoint from before PyTorch 1.6. */
const LEGACY_MAGIC = pickleOf('\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19');

/** A checkpoint as torch.save laid it out before PyTorch 1.6, with the given pickle and float32 storages. */
export function legacyOf(options: {
  pickle: Uint8Array;
  storages?: Readonly<Record<string, Uint8Array>>;
  /** Default: those of `storages`. */
  keys?: readonly string[];
  magic?: Uint8Array;
  protocol?: Uint8Array;
}): Uint8Array {
  const { pickle, storages = {}, keys = Object.keys(storages) } = options;
  const { magic = LEGACY_MAGIC, protocol = pickleOf('M\xe9\x03') } = options;
  return concatenate([
    magic,
    protocol,
    pickleOf('}'),
    pickle,
    pickleOf('](', ...keys.map(text), 'e'),
    ...Object.values(storages).flatMap((bytes) => [uint32(bytes.length / 4), uint32(0), bytes]),
  ]);
}

/** Bytes of float32 values. */
export function floats(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** BININT1 or BININT. */
function int(value: number): string {
  if (value < 256) return `K${String.fromCharCode(value)}`;
  return `J${Buffer.from(uint32(value)).toString('latin1')}`;
}

function concatenate(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const bytes = parts.map((part) =>
    typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part),
  );
  return new Uint8Array(Buffer.concat(bytes));
}

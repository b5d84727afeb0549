import { CheckpointError } from '@harmonica/core';
import { type ElementType, isShape, isSize } from '../dtypes.js';
import { StorageReference, StridedTensor } from './pytorch-content.js';
import { ForeignObject, PickleGlobal } from './unpickle.js';

const storageTypes: Readonly<Record<string, ElementType>> = {
  'torch.DoubleStorage': 'f64',
  'torch.FloatStorage': 'f32',
  'torch.HalfStorage': 'f16',
  'torch.BFloat16Storage': 'bf16',
  'torch.LongStorage': 'i64',
  'torch.IntStorage': 'i32',
  'torch.ShortStorage': 'i16',
  'torch.CharStorage': 'i8',
  'torch.ByteStorage': 'u8',
  'torch.BoolStorage': 'bool',
};

/** `torch.float32` and its kin: plain data, whose name says all. */
const dtypeNames = [
  ...['float64', 'float32', 'float16', 'bfloat16', 'float8_e4m3fn', 'float8_e5m2', 'bool'],
  ...['int64', 'int32', 'int16', 'int8', 'uint64', 'uint32', 'uint16', 'uint8'],
  ...['complex64', 'complex128'],
].map((name) => `torch.${name}`);

/** PyTorch's own limit on the axes of a tensor. */
const MAX_AXES = 64;

type Call = (args: readonly unknown[], path: string) => unknown;

const functions: Readonly<Record<string, Call>> = {
  'torch._utils._rebuild_tensor': rebuildTensor,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_parameter': takeTensor,
  'torch._utils._rebuild_parameter_with_state': takeTensor,
  'torch.Size': ([sizes = []], path) => asItems(sizes, path),
  'torch.device': (parts) => parts.join(':'),
  'collections.Counter': ([counts = new Map()], path) => new Map(asDict(counts, path)),
  '_codecs.encode': encodeLatin1,
  '__builtin__.set': ([items = []], path) => new Set(asItems(items, path)),
  '__builtin__.frozenset': ([items = []], path) => new Set(asItems(items, path)),
  'builtins.set': ([items = []], path) => new Set(asItems(items, path)),
  'builtins.frozenset': ([items = []], path) => new Set(asItems(items, path)),
};

/**
 * Every Python object that a PyTorch checkpoint may refer to: tensors, parameters, their storages, and plain data.
 *
 * @param path for error messages
 */
export function createPyTorchGlobals(path: string): ReadonlyMap<string, PickleGlobal> {
  const globals = [
    ...[...Object.keys(storageTypes), ...dtypeNames].map((name) => new PickleGlobal({ name })),
    ...Object.entries(functions).map(
      ([name, call]) => new PickleGlobal({ name, call: (args) => call(args, path) }),
    ),
    orderedDict(path),
    namespace(path),
  ];
  return new Map(globals.map((global) => [global.name, global]));
}

/**
 * What a persistent id of a checkpoint stands for: `("storage", type, key, device, elements)`, in the layout before
 * PyTorch 1.6 with a last item that is `None` unless the storage is a view of another. One of an unknown type is foreign.
 *
 * @throws {@link CheckpointError} if it is anything else
 */
export function loadStorage(options: {
  path: string;
  id: unknown;
}): StorageReference | ForeignObject {
  const { path, id } = options;
  const [kind, type, key, , length, view] = asItems(id, path);
  if (type instanceof ForeignObject) return type;
  const elementType = type instanceof PickleGlobal ? storageTypes[type.name] : undefined;
  if (kind !== 'storage' || !elementType || typeof key !== 'string' || !isSize(length)) {
    throw malformed(path, 'storage');
  }
  if (view !== undefined && view !== null) {
    throw new CheckpointError({
      path,
      key: `storage ${key}`,
      problem: 'a storage that is a view of another, which is not read',
      fix: 'Load it in a recent PyTorch and save it again with torch.save.',
    });
  }
  return new StorageReference({ key, type: elementType, length });
}

/** Attributes, such as a state dict's `_metadata`, are left out. */
function orderedDict(path: string): PickleGlobal {
  const call = ([pairs = []]: readonly unknown[]) =>
    new Map(asItems(pairs, path).map((pair) => asItems(pair, path) as [unknown, unknown]));
  return new PickleGlobal({ name: 'collections.OrderedDict', call, setState: () => {} });
}

function namespace(path: string): PickleGlobal {
  const setState = (object: unknown, state: unknown) => {
    if (!(object instanceof Map && state instanceof Map)) throw malformed(path, 'Namespace');
    for (const [name, value] of state) object.set(name, value);
  };
  return new PickleGlobal({ name: 'argparse.Namespace', call: () => new Map(), setState });
}

function rebuildTensor(args: readonly unknown[], path: string): StridedTensor {
  const [storage, offset, shape, strides] = args;
  if (
    !(storage instanceof StorageReference && isSize(offset) && isAxes(shape) && isAxes(strides))
  ) {
    throw malformed(path, 'tensor');
  }
  return new StridedTensor({ path, storage, offset, shape: [...shape], strides: [...strides] });
}

/** A parameter is read as its tensor. */
function takeTensor([tensor]: readonly unknown[], path: string): StridedTensor {
  if (tensor instanceof StridedTensor) return tensor;
  throw malformed(path, 'parameter');
}

function isAxes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= MAX_AXES && isShape(value);
}

/** How protocols before 3 write bytes: a text of characters below 256. */
function encodeLatin1([text, encoding]: readonly unknown[], path: string): Uint8Array {
  if (typeof text !== 'string' || encoding !== 'latin1') throw malformed(path, 'bytes');
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function asDict(value: unknown, path: string): ReadonlyMap<unknown, unknown> {
  if (value instanceof Map) return value;
  throw malformed(path, 'dict');
}

function asItems(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw malformed(path, 'object');
}

function malformed(path: string, what: string): CheckpointError {
  return new CheckpointError({
    path,
    problem: `the pickle describes a malformed ${what}`,
    fix: 'The file is damaged or of an unknown PyTorch version; save it again.',
  });
}

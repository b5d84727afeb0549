import { CheckpointError } from '@harmonica/core';
import { type ElementType, elementCount, elementType, isShape, sizeOf } from '../dtypes.js';
import { isJsonObject, parseJsonObject } from '../json-object.js';

/** Bytes before the JSON header: its length, a little-endian unsigned 64-bit integer. */
export const PREFIX_BYTES = 8;

/** The format's own limit on the JSON header. */
const MAX_HEADER_BYTES = 100_000_000;

/** Where one tensor lies in a safetensors file. */
interface SafetensorsEntry {
  readonly shape: readonly number[];
  readonly type: ElementType;
  /** First byte, counted from the start of the file. */
  readonly begin: number;
  /** Byte after the last one. */
  readonly end: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface FileFacts {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Bytes of the JSON header, from the first {@link PREFIX_BYTES} of the file.
 *
 * @throws {@link CheckpointError} if the file is too short for the header that it announces
 */
export function headerLength(options: FileFacts & { prefix: Uint8Array }): number {
  const { path, sizeBytes, prefix } = options;
  if (prefix.length < PREFIX_BYTES) {
    throw new CheckpointError({
      path,
      problem: `${sizeBytes} bytes, too short for a safetensors header`,
      fix: 'Get the file again.',
    });
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  const room = Math.min(sizeBytes - PREFIX_BYTES, MAX_HEADER_BYTES);
  if (length <= room) return Number(length);
  throw new CheckpointError({
    path,
    problem: `header of ${length} bytes announced; expected at most ${room} in a file of ${sizeBytes}`,
    fix: 'The file is truncated or not safetensors; get it again.',
  });
}

/**
 * Checks the JSON header and turns it into byte ranges.
 *
 * @throws {@link CheckpointError} if it is malformed, or its ranges do not tile the data exactly
 * @throws {@link DTypeError} if a tensor has an unknown element type
 */
export function parseHeader(options: FileFacts & { json: Uint8Array }): SafetensorsHeader {
  const { path, sizeBytes, json } = options;
  const object = parseJsonObject({ path, what: 'safetensors header', bytes: json });
  const { __metadata__: metadata, ...tensors } = object;
  const dataStart = PREFIX_BYTES + json.length;
  const entries = new Map(
    Object.entries(tensors).map(([key, value]) => [
      key,
      parseEntry({ path, key, value, dataStart }),
    ]),
  );
  checkTiling({ path, entries, dataStart, sizeBytes });
  return { entries, metadata: parseMetadata({ path, value: metadata }) };
}

function parseMetadata(options: { path: string; value: unknown }): Record<string, string> {
  const { path, value = {} } = options;
  if (isJsonObject(value) && Object.values(value).every((entry) => typeof entry === 'string')) {
    return value as Record<string, string>;
  }
  throw new CheckpointError({
    path,
    key: '__metadata__',
    problem: 'expected a JSON object of strings',
  });
}

function parseEntry(options: {
  path: string;
  key: string;
  value: unknown;
  dataStart: number;
}): SafetensorsEntry {
  const { path, key, value, dataStart } = options;
  const { dtype, shape, data_offsets: offsets } = isJsonObject(value) ? value : {};
  const [begin, end] = isShape(offsets) && offsets.length === 2 ? offsets : [];
  if (typeof dtype !== 'string' || !isShape(shape) || begin === undefined || end === undefined) {
    throw new CheckpointError({
      path,
      key,
      problem: 'malformed header entry; expected dtype, shape and data_offsets',
    });
  }
  const type = elementType({ path, key, name: dtype });
  const expected = elementCount(shape) * sizeOf(type);
  if (end - begin !== expected) {
    throw new CheckpointError({
      path,
      key,
      problem: `${end - begin} bytes of data; expected ${expected} for [${shape.join(', ')}] ${type}`,
    });
  }
  return { shape, type, begin: dataStart + begin, end: dataStart + end };
}

/** Tensors must fill the data part without gap, overlap or rest, as the format asks. */
function checkTiling(
  options: FileFacts & { entries: ReadonlyMap<string, SafetensorsEntry>; dataStart: number },
): void {
  const { path, entries, dataStart, sizeBytes } = options;
  let position = dataStart;
  for (const [key, { begin, end }] of [...entries].sort(byPosition)) {
    if (begin !== position) {
      const fault = begin < position ? 'overlaps the tensor before it' : 'leaves a gap before it';
      throw new CheckpointError({
        path,
        key,
        problem: `data at byte ${begin} ${fault}; expected ${position}`,
      });
    }
    position = end;
  }
  if (position === sizeBytes) return;
  throw new CheckpointError({
    path,
    problem: `${sizeBytes} bytes; expected ${position} from the header`,
    fix: position > sizeBytes ? 'The file is truncated; get it again.' : 'It has bytes too many.',
  });
}

function byPosition(
  [, a]: readonly [string, SafetensorsEntry],
  [, b]: readonly [string, SafetensorsEntry],
): number {
  return a.begin - b.begin || a.end - b.end;
}

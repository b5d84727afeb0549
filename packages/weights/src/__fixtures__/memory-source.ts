import { CheckpointError } from '@harmonica/core';
import type { ByteSource } from '../byte-source.js';

/** Bytes that are in memory already, read as those of a file are. */
export function createMemorySource(options: { path: string; bytes: Uint8Array }): ByteSource {
  const { path, bytes } = options;
  return {
    path,
    sizeBytes: bytes.length,
    async read({ begin, end }) {
      if (begin >= 0 && begin <= end && end <= bytes.length) return bytes.slice(begin, end);
      throw new CheckpointError({ path, problem: `bytes ${begin} to ${end} are wanted` });
    },
    async close() {},
  };
}

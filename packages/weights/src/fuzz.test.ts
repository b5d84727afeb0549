import { readFileSync } from 'node:fs';
import { HarmonicaError, type WeightSource } from '@harmonica/core';
import fc from 'fast-check';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { fixture } from './__fixtures__/fixtures.js';
import { createMemorySource } from './__fixtures__/memory-source.js';
import { archiveOf } from './__fixtures__/pickles.js';
import { openPyTorchIn } from './pytorch/pytorch.js';
import { decodeSafetensors } from './safetensors/safetensors.js';
import { openSafetensorsIn } from './safetensors/safetensors-file.js';

const bytesOf = (name: string) => new Uint8Array(readFileSync(fixture(name)));
const sourceOf = (bytes: Uint8Array) => createMemorySource({ path: 'fuzzed', bytes });

/** Damaged copies of a file: some bits flipped, some bytes replaced, the end cut off. */
function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const position = fc.nat({ max: bytes.length - 1 });
  const change = fc.tuple(position, fc.nat({ max: 255 }));
  return fc
    .record({
      flips: fc.array(fc.tuple(position, fc.nat({ max: 7 })), { maxLength: 4 }),
      replacements: fc.array(change, { maxLength: 4 }),
      length: fc.oneof({ weight: 3, arbitrary: fc.constant(bytes.length) }, position),
    })
    .map(({ flips, replacements, length }) => {
      const copy = bytes.slice();
      for (const [at, bit] of flips) copy[at] = (copy[at] as number) ^ (1 << bit);
      for (const [at, value] of replacements) copy[at] = value;
      return copy.subarray(0, length);
    });
}

/** Runs `read`, which may succeed or throw an error of the project, and nothing else. */
async function settles(read: () => unknown): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!HarmonicaError.isInstance(error)) throw error;
    expect(error.message).not.toBe('');
  }
}

async function readAll(open: Promise<WeightSource>) {
  const source = await open;
  for (const name of source.names) await settles(() => source.read(name));
}

describe('damaged files are read or refused, never worse', () => {
  const runs = { numRuns: 100 };

  it.each(['f32.safetensors', 'f16.safetensors', 'types.safetensors'])('%s', async (name) => {
    const property = fc.asyncProperty(damaged(bytesOf(name)), async (bytes) => {
      await settles(() => decodeSafetensors(bytes));
      await settles(() => readAll(openSafetensorsIn(sourceOf(bytes))));
    });
    await fc.assert(property, runs);
  });

  it.each(['mixed.pt', 'deflated.pt', 'zip64.pt', 'legacy-mixed.pt'])('%s', async (name) => {
    const property = fc.asyncProperty(damaged(bytesOf(name)), async (bytes) => {
      await settles(() => readAll(openPyTorchIn(sourceOf(bytes), {})));
    });
    await fc.assert(property, runs);
  });

  it.each(['mixed.pt', 'protocol-5.pt'])(
    'the pickle of %s, in an archive that is whole',
    async (name) => {
      const files = unzipSync(bytesOf(name));
      const [folder] = Object.keys(files)[0]?.split('/') ?? [];
      const { [`${folder}/data.pkl`]: pickle, ...others } = files;
      const property = fc.asyncProperty(damaged(pickle as Uint8Array), async (bytes) => {
        const archive = archiveOf({ pickle: bytes, others });
        await settles(() => readAll(openPyTorchIn(sourceOf(archive), {})));
      });
      await fc.assert(property, runs);
    },
  );

  it('bytes that never were a file', async () => {
    const property = fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await settles(() => decodeSafetensors(bytes));
      await settles(() => openSafetensorsIn(sourceOf(bytes)));
      await settles(() => openPyTorchIn(sourceOf(bytes), {}));
      await settles(() => openPyTorchIn(sourceOf(archiveOf({ pickle: bytes })), {}));
    });
    await fc.assert(property, runs);
  });
});

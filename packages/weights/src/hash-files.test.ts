import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { FileError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { fixture } from './__fixtures__/fixtures.js';
import { hashFiles } from './files.js';

const paths = [fixture('mixed.pt'), fixture('f32.safetensors')];
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

describe('hashFiles', () => {
  it('hashes the hashes of the files, in the given order', async () => {
    const hashes = paths.map((path) => sha256(readFileSync(path)));
    expect(await hashFiles(paths)).toBe(sha256(hashes.join('')));
    expect(await hashFiles(paths.toReversed())).toBe(sha256(hashes.toReversed().join('')));
  });

  it('says which file cannot be read', async () => {
    await expect(hashFiles([...paths, 'none'])).rejects.toThrow(FileError);
    await expect(hashFiles([...paths, 'none'])).rejects.toThrow(/^none: cannot be read \(ENOENT/);
  });
});

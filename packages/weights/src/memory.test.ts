import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeSparseShards } from './__fixtures__/sparse-shards.js';

const MEBIBYTE = 2 ** 20;
/** What the process may grow besides, for code and the heap. */
const SLACK_BYTES = 48 * MEBIBYTE;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harmonica-memory-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** By how many bytes a process of its own grows, at its peak, while it reads tensors and keeps the last `kept`. */
async function peakBytes(kept: number): Promise<number> {
  const module = new URL('./open-checkpoint.ts', import.meta.url).href;
  const script = `
    import { openCheckpoint } from ${JSON.stringify(module)};
    const source = await openCheckpoint(${JSON.stringify(folder)});
    const before = process.memoryUsage().rss;
    const tensors = [];
    for (const name of source.names) {
      tensors.push(await source.read(name));
      if (tensors.length > ${kept}) tensors.shift();
    }
    console.log(process.resourceUsage().maxRSS * 1024 - before);`;
  const options = ['--conditions=@harmonica/source', '--import=tsx', '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...options, '--eval', script], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
  return Number(stdout);
}

describe('reading a sharded checkpoint of 256 MiB, tensor by tensor', () => {
  const tensors = 8;
  const tensorBytes = 32 * MEBIBYTE; // as float32
  const write = (dtype: 'F32' | 'BF16') =>
    writeSparseShards({
      folder,
      shards: 2,
      tensorsPerShard: tensors / 2,
      elementsPerTensor: tensorBytes / 4,
      dtype,
    });

  it.each(['F32', 'BF16'] as const)('holds %s weights once, plus one tensor', async (dtype) => {
    await write(dtype);
    const peak = await peakBytes(tensors);
    expect(peak).toBeGreaterThan(0.95 * tensors * tensorBytes); // or nothing was measured
    expect(peak).toBeLessThan((tensors + 1) * tensorBytes + SLACK_BYTES);
  });

  it('holds no tensor that the caller has let go of', async () => {
    await write('F32');
    expect(await peakBytes(1)).toBeLessThan((tensors / 2) * tensorBytes + SLACK_BYTES);
  });
});

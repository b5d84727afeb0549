import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BuildResult, build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { brokenPromises, type CodeBlock, codeBlocks, promisesOf } from './code-blocks.js';
import { root } from './documents.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'harmonica-browser-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('runs the program of the browser guide where there is nothing of Node', async () => {
  const guide = 'docs/guide/browser.md';
  const [program] = codeBlocks(guide, await readFile(join(root, guide), 'utf8'));
  const { code } = program as CodeBlock;
  const outfile = join(folder, 'main.mjs');
  const { metafile } = await bundle(code, outfile);
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);

  const page = join(folder, 'page.mjs');
  const nothingOfNode = 'delete globalThis.process; globalThis.window = globalThis;';
  await writeFile(page, `${nothingOfNode} globalThis.document = {}; await import('./main.mjs');`);
  const { stdout } = await promisify(execFile)(process.execPath, [page]);
  expect(brokenPromises(promisesOf(program as CodeBlock), stdout)).toEqual([]);
});

/** As the guide says, from the sources. */
function bundle(
  contents: string,
  outfile: string,
): Promise<BuildResult<{ readonly metafile: true }>> {
  return build({
    stdin: { contents, loader: 'ts', resolveDir: join(root, 'docs') },
    outfile,
    bundle: true,
    platform: 'browser',
    format: 'esm',
    conditions: ['@harmonica/source'],
    metafile: true,
  });
}

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

it('has a first example that runs', async () => {
  const readme = await readFile(join(packageFolder, 'README.md'), 'utf8');
  const [, example] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'harmonica-readme-'));
  const script = `process.chdir(${JSON.stringify(folder)});\n${example}`;
  const options = ['--conditions=@harmonica/source', '--import=tsx', '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...options, '--eval', script], {
    cwd: packageFolder,
  });
  expect(stdout).toContain("[ 'logits' ] { shape: [ 2, 3 ], dtype: 'f16' }");
  expect(stdout).toMatch(/Float32Array\(6\) \[\s*1, 2, 3, 4, 5, 6\s*\]/);
  await rm(folder, { recursive: true });
});

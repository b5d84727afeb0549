import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

it('has an example of Learning-to-Cache that runs', async () => {
  const readme = await readFile(join(packageFolder, 'README.md'), 'utf8');
  const example = [...readme.matchAll(/```ts\n(.*?)```/gs)]
    .map(([, code = '']) => code)
    .find((code) => code.includes('l2cConfig'));
  const options = ['--conditions=@harmonica/source', '--import=tsx', '--input-type=module'];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...options, '--eval', example ?? ''],
    { cwd: packageFolder },
  );
  expect(stdout).toContain('hold 8');
});

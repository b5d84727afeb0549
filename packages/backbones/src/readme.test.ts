import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

it('has a first example that runs', async () => {
  const readme = await readFile(join(packageFolder, 'README.md'), 'utf8');
  const [, example = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  const options = ['--conditions=@harmonica/source', '--import=tsx', '--input-type=module'];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...options, '--eval', example.replace('type Rank, ', '').replace('<Rank.R4>', '')],
    { cwd: packageFolder },
  );
  expect(stdout).toContain('[ 2, 32, 32, 8 ]');
});

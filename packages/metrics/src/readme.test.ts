import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

it.each([
  [1, '18.000'],
  [2, 'Float32Array(3) [ 200, 0, 0 ]'],
])('has an example %i that prints %s', async (index, printed) => {
  const readme = await readFile(join(packageFolder, 'README.md'), 'utf8');
  const example = Array.from(readme.matchAll(/```ts\n(.*?)```/gs), ([, code = '']) => code)[index];
  const options = ['--conditions=@harmonica/source', '--import=tsx', '--input-type=module'];
  const code = example
    ?.replace('offset: number', 'offset')
    .replace(', type FeatureExtractor', '')
    .replace(', type Tensor2D', '')
    .replace(': FeatureExtractor', '')
    .replace(' as Tensor2D', '');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...options, '--eval', code ?? ''],
    { cwd: packageFolder },
  );
  expect(stdout).toContain(printed);
});

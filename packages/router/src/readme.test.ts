import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

/** The examples that are whole programs, as printed but for types, which Node does not read. */
async function examples(): Promise<readonly string[]> {
  const readme = await readFile(join(packageFolder, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
  const programs = blocks.filter((code) => code.startsWith('import '));
  return programs.map((code) => code.replaceAll(' as const', ''));
}

it('has examples that run and print what they say', async () => {
  const outputs: string[] = [];
  for (const code of await examples()) {
    const options = ['--conditions=@harmonica/source', '--import=tsx', '--input-type=module'];
    const { stdout } = await promisify(execFile)(process.execPath, [...options, '--eval', code], {
      cwd: packageFolder,
    });
    outputs.push(stdout);
  }
  const [interval = '', broadcast] = outputs;
  expect(interval.split('\n')[0]).toBe('72');
  expect(interval).toContain('steps from left to right');
  expect(broadcast).toBe('0.283\n');
});

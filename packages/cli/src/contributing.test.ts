import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));
const text = readFileSync(new URL('../../../CONTRIBUTING.md', import.meta.url), 'utf8');

/** The program below each heading that has one. */
const programs = [...text.matchAll(/^### ([^\n]+)\n(?:(?!^#).)*?^```ts\n(.*?)^```$/gms)].map(
  ([, heading = '', code = '']) => [heading, code] as const,
);

/** What a program says that it prints, behind each `console.log`. */
const promised = (code: string) =>
  [...code.matchAll(/console\.log\(.*\); \/\/ (.+)$/gm)].map(([, said = '']) => said);

const withoutSpaces = (lines: readonly string[]) => lines.map((line) => line.replaceAll(' ', ''));

describe('the recipes of CONTRIBUTING.md', () => {
  it('are these', () => {
    expect(programs.map(([heading]) => heading)).toEqual([
      'A caching method',
      'A predictor',
      'A proxy',
    ]);
  });

  it.each(programs)('%s: prints what it says', async (_, code) => {
    const options = ['--conditions=@harmonica/source', '--import=tsx', '--input-type=module'];
    const { stdout } = await promisify(execFile)(process.execPath, [...options, '--eval', code], {
      cwd: packageFolder,
    });
    expect(promised(code)).toHaveLength(1);
    expect(withoutSpaces(stdout.trimEnd().split('\n'))).toEqual(withoutSpaces(promised(code)));
  });
});

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import typescript from 'typescript';
import { describe, expect, it } from 'vitest';
import { root } from '../setup.mjs';
import { publishablePackages, requiredPeers } from './packages.mjs';
import {
  brokenPromise,
  codeBlocks,
  firstScreen,
  importedPackages,
  promisedOutput,
} from './readme.mjs';

describe.each(publishablePackages(root))(
  'the README of $name',
  ({ name, folder, manifest, readme }) => {
    const { install, example } = firstScreen(readme);

    it('installs the package, its peers and what its example imports', () => {
      const needed = [name, ...requiredPeers(manifest), ...importedPackages(example.code)];
      expect(install).toEqual(expect.arrayContaining(needed));
    });

    it('has an example of at most ten lines, imports aside', () => {
      const rest = example.code.replace(/^import .*?;$/gms, '');
      const lines = rest.split('\n').filter((line) => line !== '');
      expect(lines.length).toBeLessThanOrEqual(10);
    });

    it('lists what the package exports', () => {
      expect(readme).toMatch(/^\| export +\| .*\|$/m);
    });

    const programs = codeBlocks(readme, ['ts'])
      .map(({ code }) => code)
      .filter((code) => code === example.code || promisedOutput(code).length > 0)
      .map((code, index) => ({ code, number: index + 1 }));

    it.each(programs)('has a program $number that prints what it says', async ({ code }) => {
      expect(promisedOutput(code)).not.toEqual([]);
      const output = await outputOf(code, folder);
      expect(brokenPromise(code, output), `It printed ${output}`).toBeUndefined();
    });
  },
);

/** Runs a program on the sources, as if it stood in a package's folder, and reads what it prints. */
async function outputOf(code, folder) {
  const compilerOptions = { module: 'esnext', target: 'es2022', verbatimModuleSyntax: true };
  const { outputText } = typescript.transpileModule(code, { compilerOptions });
  const place = await mkdtemp(join(tmpdir(), 'harmonica-readme-'));
  const program = `process.chdir(${JSON.stringify(place)});\n${outputText}`;
  const options = ['--conditions=@harmonica/source', '--import=tsx', '--input-type=module'];
  const arguments_ = [...options, '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, arguments_, { cwd: folder });
  await rm(place, { recursive: true });
  return stdout;
}

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { checkCode, exportedNames } from './check-code.js';
import {
  brokenPromises,
  type CodeBlock,
  codeBlocks,
  isProgram,
  listedExports,
  promisesOf,
} from './code-blocks.js';
import { allDocuments, publishedPackages, root } from './documents.js';

const documents = await Promise.all(
  allDocuments().map(async (path) => codeBlocks(path, await readFile(join(root, path), 'utf8'))),
);
const blocks = documents.flat();
const exporters = [...publishedPackages().map(({ name }) => name), '@tensorflow/tfjs-core'];
const running = blocks
  .filter((block) => isProgram(block) && promisesOf(block).length > 0)
  .map((block) => [`${block.document}:${block.line}`, block] as const);

describe('the code of the documents', () => {
  it('has the types that it is given', () => {
    expect(blocks.length).toBeGreaterThan(20);
    expect(checkCode(blocks, exporters)).toEqual([]);
  });

  it.each(running)('of %s prints what it says', async (_, block) => {
    expect(brokenPromises(promisesOf(block), await outputOf(block))).toEqual([]);
  });
});

describe('the README of', () => {
  const packages = publishedPackages();
  const exported = exportedNames(
    packages.flatMap(({ entries }) => entries.map(({ specifier }) => specifier)),
  );

  it.each(packages)('$name lists exports that there are', async ({ folder, entries }) => {
    const names = entries.flatMap(({ specifier }) => [...(exported.get(specifier) ?? [])]);
    const listed = listedExports(await readFile(join(root, folder, 'README.md'), 'utf8'));
    expect(listed.length).toBeGreaterThan(0);
    expect(listed.filter((name) => !names.includes(name))).toEqual([]);
  });
});

/** Runs a program with this package's dependencies, in a folder of its own. */
async function outputOf({ code }: CodeBlock): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'harmonica-docs-'));
  const program = `process.chdir(${JSON.stringify(folder)});\n${code}`;
  const flags = ['--conditions=@harmonica/source', '--input-type=module', '--eval', program];
  const tsx = join(root, 'docs/node_modules/.bin/tsx');
  try {
    const { stdout } = await promisify(execFile)(tsx, flags, { cwd: join(root, 'docs') });
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('a block', () => {
  const text = [
    'Text',
    '```ts',
    "import { a } from 'b';",
    '',
    'console.log(a); // [1, 2]: both',
    'console.log(a.size);',
    '```',
    '```sh',
    'ls',
    '```',
    '```ts',
    'const part = 1;',
    '```',
  ].join('\n');
  const [program, part] = codeBlocks('A.md', text) as [CodeBlock, CodeBlock];

  it('is found with its line, if it is TypeScript', () => {
    expect(codeBlocks('A.md', text)).toHaveLength(2);
    expect([program.line, part.line]).toEqual([3, 12]);
    expect(part.code).toBe('const part = 1;\n');
  });

  it('is a program if it imports what it needs', () => {
    expect([program, part].map(isProgram)).toEqual([true, false]);
  });

  it('promises what stands behind its console.log', () => {
    expect(promisesOf(program)).toEqual(['[1, 2]: both']);
  });

  it.each([
    ['as it is', '[ 1, 2 ]\n', []],
    ['among other lines', 'other\n[1,2]\nmore\n', []],
    ['longer than was said', '[1, 2, 3]\n', ['[1, 2]: both']],
    ['a part of what was said', '[1\n', ['[1, 2]: both']],
    ['nothing', '\n', ['[1, 2]: both']],
  ])('is held to its output: %s', (_, output, broken) => {
    expect(brokenPromises(['[1, 2]: both'], output)).toEqual(broken);
  });

  it('is held to the order of its output', () => {
    expect(brokenPromises(['1', '2'], '2\n1\n')).toEqual(['2']);
  });

  it('that does not fit its packages is told with document and line', () => {
    const part = "toSchedule(router, { threshold: 'high' });\nnoSuchName();\nplan.steps.length;\n";
    const program =
      "import { createRng } from '@harmonica/core';\n\ntoSchedule(router);\ncreateRng;\n";
    const [threshold, name, missingImport, ...others] = checkCode(
      [
        { document: 'A.md', line: 7, code: part },
        { document: 'B.md', line: 1, code: program },
      ],
      exporters,
    );
    expect(threshold).toMatch(/^A.md:7: .*'string' is not assignable to type 'number'/);
    expect(name).toMatch(/^A.md:8: Cannot find name 'noSuchName'/);
    // What a whole program needs of the packages it has to import.
    expect(missingImport).toMatch(/^B.md:3: Cannot find name 'toSchedule'/);
    expect(others).toEqual([]);
  });
});

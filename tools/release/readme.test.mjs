import { describe, expect, it } from 'vitest';
import { brokenPromise, firstScreen, importedPackages, promisedOutput } from './readme.mjs';

const program = `import 'a';
import { b } from '@scope/b/part';
import {
  c,
} from 'c';
import { readFile } from 'node:fs/promises';
console.log(b(1)); // one
c(); // not printed
console.log(b(2), '(2)'); // two
`;
const readme = `# Title

\`\`\`sh
npm install --global @scope/b a   # and c in browsers
npm install --save-dev d
\`\`\`

\`\`\`json
{}
\`\`\`

\`\`\`ts
${program}\`\`\`

\`\`\`ts
later();
\`\`\`
`;

describe('firstScreen', () => {
  it('reads what is installed and the first example', () => {
    const example = { language: 'ts', code: program };
    expect(firstScreen(readme)).toEqual({ install: ['@scope/b', 'a', 'd'], example });
  });

  it('refuses a README that installs nothing or shows nothing', () => {
    expect(() => firstScreen(readme.replace('npm install', 'npm run'))).toThrow('installs nothing');
    expect(() => firstScreen(readme.slice(0, readme.indexOf('```json')))).toThrow('no example');
  });
});

it('importedPackages names packages once, without subpaths and modules of Node', () => {
  const twice = `${program}import type { d } from '@scope/b';\n`;
  expect(importedPackages(twice)).toEqual(['a', '@scope/b', 'c']);
});

it('promisedOutput reads the comments behind what is printed', () => {
  expect(promisedOutput(program)).toEqual(['one', 'two']);
});

it('brokenPromise looks for what is promised in order', () => {
  expect(brokenPromise(program, 'one\ntwo (2)\n')).toBeUndefined();
  expect(brokenPromise(program, 'two\none\n')).toBe('two');
  expect(brokenPromise(program, '')).toBe('one');
});

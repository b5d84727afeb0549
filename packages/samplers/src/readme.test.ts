import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as samplers from './index.js';

it('the example of the README prints what it says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```ts\n(.+?)```/s.exec(readme)?.[1] ?? '';
  const program = example.replace(
    /import (\{.+\}) from '@harmonica\/samplers';/,
    'const $1 = samplers;',
  );
  const printed: string[] = [];
  const log = (...values: unknown[]) =>
    printed.push(values.map((v) => (typeof v === 'object' ? JSON.stringify(v) : v)).join(' '));
  new Function('samplers', 'console', program)(samplers, { log });
  const promised = [...example.matchAll(/\/\/ (.+)/g)].map((match) => match[1]);
  expect(promised).toHaveLength(3);
  expect(printed).toEqual(promised);
});

import { readFileSync } from 'node:fs';
import '@tensorflow/tfjs-backend-wasm';
import * as tfjs from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import * as emojiDit from './index.js';

it('the example of the README prints what it says', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```ts\n(.+?)```/s.exec(readme)?.[1] ?? '';
  const program = example
    .replace("import '@tensorflow/tfjs-backend-wasm';", '')
    .replace(/import (\{.+\}) from '@harmonica\/emoji-dit';/, 'const $1 = emojiDit;')
    .replace(/import (\{.+\}) from '@tensorflow\/tfjs-core';/, 'const $1 = tfjs;');
  const printed: string[] = [];
  const log = (...values: unknown[]) =>
    printed.push(values.map((v) => (typeof v === 'object' ? JSON.stringify(v) : v)).join(' '));
  const run = new Function('emojiDit', 'tfjs', 'console', `return (async () => { ${program} })();`);
  await run(emojiDit, tfjs, { log });
  const promised = [...example.matchAll(/\/\/ (.+)/g)].map((match) => match[1]);
  expect(promised).toHaveLength(2);
  expect(printed).toEqual(promised);
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const FOLDER = new URL('../packages/cli/src', import.meta.url).pathname;
const MOST_LINES = 3500;

it('keeps the command to commands, options and terminal output: what a program would want is elsewhere', () => {
  const lines = readdirSync(FOLDER, { recursive: true })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(FOLDER, file), 'utf8').split('\n').length - 1)
    .reduce((sum, count) => sum + count, 0);
  expect(lines).toBeGreaterThan(1000);
  expect(lines).toBeLessThanOrEqual(MOST_LINES);
});

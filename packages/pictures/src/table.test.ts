import { expect, it } from 'vitest';
import { markdownTable, textTable } from './table.js';

const table = {
  head: ['run', 'time'],
  rows: [
    ['uncached', '7.0 s'],
    ['cached', '12 s'],
  ],
};

it('pads columns for the terminal', () => {
  expect(textTable(table)).toBe(
    ['run        time', '--------  -----', 'uncached  7.0 s', 'cached     12 s', ''].join('\n'),
  );
});

it('writes Markdown', () => {
  expect(markdownTable(table)).toBe(
    ['| run | time |', '| --- | ---: |', '| uncached | 7.0 s |', '| cached | 12 s |', ''].join(
      '\n',
    ),
  );
});

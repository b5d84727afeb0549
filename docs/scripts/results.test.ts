import { readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { pagesWithResults, readMeasurements, resultFiles, root } from './documents.js';
import { drawTable, fillPage, tablesOf } from './fill-page.js';
import { joinMeasurements, parseResultRows } from './result-rows.js';
import { RESULT_TABLES, type ResultTable } from './result-tables.js';

const sources = { tables: RESULT_TABLES, measurements: readMeasurements };
const pages = pagesWithResults().map((path) => ({ path, text: readFileSync(path, 'utf8') }));

describe('the documents', () => {
  it.each(pages)('$path has the tables that its measurements make', ({ path, text }) => {
    expect(fillPage(text, sources), `run \`npm run results\` for ${relative(root, path)}`).toBe(
      text,
    );
  });

  it('show every table and every file of measurements', () => {
    expect(new Set(pages.flatMap(({ text }) => tablesOf(text)))).toEqual(
      new Set(Object.keys(RESULT_TABLES)),
    );
    const shown = Object.values(RESULT_TABLES).map(({ file }) => file);
    expect(new Set(shown)).toEqual(new Set(resultFiles()));
  });

  it('begin with a README of at most 8 KB', () => {
    expect(statSync(join(root, 'README.md')).size).toBeLessThanOrEqual(8192);
  });
});

describe('measurements', () => {
  const origin = { command: 'npx harmonica bench', machine: 'one core', commit: '0123abc' };
  const line = (row: object) => JSON.stringify({ ...origin, ...row });

  it.each(resultFiles())('%s say command, machine and commit on every line', (file) => {
    const rows = readMeasurements(file);
    expect(rows.length).toBeGreaterThan(0);
    for (const { command } of rows) expect(command).toMatch(/^(npx|npm|python) /);
  });

  it.each([
    ['no commit', { commit: undefined }],
    ['a commit that is a word', { commit: 'HEAD' }],
    ['no machine', { machine: '' }],
    ['no command', { command: '' }],
    ['a figure that is an object', { fid: {} }],
  ])('with %s are refused', (_, fields) => {
    expect(() => parseResultRows(line(fields))).toThrow();
  });

  it('of the same run are joined, and the first says what both have', () => {
    const rows = parseResultRows(
      [line({ run: 'a', fid: 1 }), line({ run: 'b', fid: 2 }), line({ run: 'a', ms: 3 })].join(
        '\n',
      ),
    );
    expect(joinMeasurements(rows, ['run'])).toEqual([
      { ...origin, run: 'a', fid: 1, ms: 3 },
      { ...origin, run: 'b', fid: 2 },
    ]);
  });
});

describe('a table', () => {
  const origin = { command: 'npx x', machine: 'not recorded', commit: '0123abcdef' };
  const table: ResultTable = {
    file: 'x',
    key: ['run'],
    columns: [
      { title: 'run', align: 'left', figure: 'run', cell: (row) => String(row.run) },
      { title: 'FID', align: 'right', figure: 'fid', cell: (row) => String(row.fid) },
    ],
    shows: (row) => row.run !== 'hidden',
  };
  const rows = [
    { ...origin, run: 'a', fid: 1, bold: ['fid'] },
    { ...origin, run: 'hidden', fid: 2 },
  ];
  const drawn = [
    '| run |   FID |',
    '| :-- | ----: |',
    '| a   | **1** |',
    '',
    '- 1 measurement: `npx x`; machine not recorded; commit `0123abc`',
  ];

  it('has its rows, its bold figures, and what they come from', () => {
    expect(drawTable(table, rows).split('\n')).toEqual(drawn);
  });

  it('is drawn in its place, and what is around it is kept', () => {
    const page = 'before\n<!-- results t -->\nold\n<!-- /results -->\nafter';
    const filled = fillPage(page, { tables: { t: table }, measurements: () => rows });
    expect(filled.split('\n')).toEqual([
      'before',
      '<!-- results t -->',
      '',
      ...drawn,
      '',
      '<!-- /results -->',
      'after',
    ]);
    expect(fillPage(filled, { tables: { t: table }, measurements: () => rows })).toBe(filled);
  });

  it('that there is not is refused by name', () => {
    const page = '<!-- results other -->\n<!-- /results -->';
    expect(() => fillPage(page, { tables: { t: table }, measurements: () => rows })).toThrow(
      InvalidArgumentError,
    );
  });
});

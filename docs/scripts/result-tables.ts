import type { ResultRow } from './result-rows.js';

/** A column of a table: what stands in it for a row. */
interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** The figure by which `bold` of a row names the column. */
  readonly figure: string;
  readonly cell: (row: ResultRow) => string;
}

/** A table that pages show between `<!-- results NAME -->` and `<!-- /results -->`. */
export interface ResultTable {
  /** Its measurements: `docs/results/FILE.results.jsonl`. */
  readonly file: string;
  /** Figures that measurements of the same run agree in. */
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  /** Rows that it shows. Default all. */
  readonly shows?: (row: ResultRow) => boolean;
}

const NOTHING = '–';

function text(title: string, figure: string): Column {
  return { title, align: 'left', figure, cell: (row) => String(row[figure] ?? '') };
}

function number(title: string, figure: string, decimals: number, unit = ''): Column {
  return { title, align: 'right', figure, cell: (row) => fixed(row[figure], decimals, unit) };
}

/** Two figures in one cell. */
function pair(title: string, first: Column, second: Column): Column {
  const cell = (row: ResultRow) => {
    const values = [first.cell(row), second.cell(row)].filter((value) => value !== NOTHING);
    return values.length === 0 ? NOTHING : values.join(', ');
  };
  return { title, align: 'right', figure: first.figure, cell };
}

function fixed(value: unknown, decimals: number, unit: string): string {
  if (typeof value !== 'number') return NOTHING;
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return `${value.toLocaleString('en', { ...options, useGrouping: value >= 1e5 })}${unit}`;
}

const run = text('run', 'run');
const byMacs = number('by MACs', 'speedUpByMacs', 2, 'x');
const seconds = pair('4 images', number('', 'seconds', 2, ' s'), number('', 'speedUp', 2, 'x'));
const fid = number('FID', 'fid', 3);
const closeness = (to: string, suffix = '') =>
  pair(`PSNR, SSIM to ${to}`, number('', `psnrDb${suffix}`, 2), number('', `ssim${suffix}`, 4));
const featureDistance = number('feature distance', 'featureDistance', 4);

/** The columns of the paper's table, with what was cached and how long it took. */
const paperColumns = (steps: number): readonly Column[] => [
  run,
  byMacs,
  seconds,
  number('CUR %', 'cachedPercent', 1),
  fid,
  number('sFID', 'sfid', 1),
  number('precision %', 'precisionPercent', 1),
  number('recall %', 'recallPercent', 1),
  closeness(`DDIM ${steps}`),
];
const toBoth = [closeness('DDIM 20'), closeness('DDIM 100', 'To100')];
const byRun = ['run', 'speedUpByMacs'];

/** What a range of measurements is written as: `1.28x to 1.31x`, `4.0 to 4.5 forward passes`. */
function measured({ least, most, decimals = 0, unit = '' }: ResultRow): string {
  const isWord = String(unit).startsWith(' ');
  const write = (end: unknown) => fixed(end, Number(decimals), isWord ? '' : String(unit));
  return [...new Set([least, most].map(write))].join(' to ') + (isWord ? unit : '');
}

function ofMacs({ ofMacsPercent }: ResultRow): string {
  return Array.isArray(ofMacsPercent) ? ofMacsPercent.join(' to ') : NOTHING;
}

/** A few rows of the table at 20 steps, for the first page. */
const FIRST_PAGE = [
  'DDIM 20',
  'HarmoniCa, `ddim-20-per-step-1.3x`',
  'DPM-Solver++ 15',
  'HarmoniCa, `ddim-20-per-step-1.5x`',
  'first-block cache, linear, 0.12',
  'FORA, every second step',
  'every second step, linear',
  'HarmoniCa, `ddim-20-per-step-1.8x`',
  'DDIM 11',
  'DPM-Solver++ 11',
];

/** Every table of the documents, by name. */
export const RESULT_TABLES: Readonly<Record<string, ResultTable>> = {
  'first-page': {
    file: 'fid-20',
    key: byRun,
    columns: [run, byMacs, seconds, fid, closeness('DDIM 20')],
    shows: (row) => FIRST_PAGE.includes(String(row.run)),
  },
  'ddim-20': { file: 'ddim-20', key: byRun, columns: [run, byMacs, ...toBoth] },
  'fid-20': { file: 'fid-20', key: byRun, columns: paperColumns(20) },
  'fid-50': { file: 'fid-50', key: byRun, columns: paperColumns(50) },
  'fid-10': { file: 'fid-10', key: byRun, columns: paperColumns(10) },
  exchanges: {
    file: 'exchanges',
    key: byRun,
    columns: [run, byMacs, ...toBoth, featureDistance],
  },
  ablations: {
    file: 'ablations',
    key: ['changed'],
    columns: [
      text('what is changed', 'changed'),
      text('computed branches, step by step', 'computed'),
      ...toBoth,
      featureDistance,
    ],
  },
  'training-methods': {
    file: 'training-methods',
    key: ['trainedBy'],
    columns: [
      text('trained by', 'trainedBy'),
      number('update ms', 'updateMs', 0),
      number('encoding its images, ms', 'encodingMs', 0),
      number('time, over the first', 'timeOverFirst', 2),
      number('the same in the paper', 'timeOverFirstInPaper', 2),
      number('images of 20,000 updates', 'images', 0),
      number('peak memory, MiB', 'peakMiB', 0),
    ],
  },
  bench: {
    file: 'bench',
    key: ['what'],
    columns: [
      text('what', 'what'),
      { title: 'measured', align: 'right', figure: 'least', cell: measured },
      { title: '% of what MACs promise', align: 'right', figure: 'ofMacsPercent', cell: ofMacs },
      number('runs', 'runs', 0),
    ],
  },
  'published-sizes': {
    file: 'published-sizes',
    key: ['model'],
    columns: [
      text('`--model`', 'model'),
      number('ms per step', 'stepMs', 0),
      number('GFLOP/s', 'gflopPerSecond', 1),
      number('peak memory, uncached', 'peakGib', 2, ' GiB'),
      number('peak memory at 50 %', 'peakGibHalfCached', 2, ' GiB'),
      number('at 25 %', 'speedUp25', 2, 'x'),
      number('at 37.5 %', 'speedUp37', 2, 'x'),
      number('at 50 %', 'speedUp50', 2, 'x'),
    ],
  },
};

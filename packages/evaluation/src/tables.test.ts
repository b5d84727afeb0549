import { createPlan } from '@harmonica/samplers';
import { describe, expect, it } from 'vitest';
import type { RowQuality } from './row.js';
import { type EvalOutcome, type FinishedRow, groupsOf } from './row.js';
import { footnotes, latexTable, markdownTables, tableOf } from './tables.js';

const NOTHING: RowQuality = {
  psnrToUncached: null,
  ssimToUncached: null,
  psnrToTarget: null,
  ssimToTarget: null,
  featureDistance: null,
  fid: null,
  sfid: null,
  inceptionScore: null,
  precision: null,
  recall: null,
  kid: null,
};

const uncached: FinishedRow = {
  group: 'ddim, T = 20',
  name: 'ddim 20',
  method: 'ddim, fewer steps',
  key: '0',
  imagesKey: 'i0',
  plan: createPlan({ steps: '20' }),
  policy: { kind: 'none', name: 'none', method: 'none' },
  policyFiles: [],
  computed: [],
  savings: { cacheUtilization: 0, theoreticalSpeedUp: 1 },
  quality: { ...NOTHING, kid: 0.0125, precision: 0.805 },
};
const cached: FinishedRow = {
  ...uncached,
  name: 'a_b & 50 %',
  key: '1',
  uncached,
  savings: { cacheUtilization: 0.375, theoreticalSpeedUp: 1.6 },
  quality: { ...NOTHING, psnrToUncached: 31.234, kid: 0.02, precision: 0.75 },
};
const outcome: EvalOutcome = {
  model: 'emoji-dit',
  guidance: 3,
  images: 256,
  extractor: 'nsfwjs Inception',
  reference: 'real.npz',
  target: 'ddim 100',
  rows: [uncached, cached, { ...cached, group: 'other' }],
  missed: [
    { group: 'other', method: 'fora', setting: 'interval', target: 1.3, value: 2, speedUp: 1.9 },
  ],
};

describe('markdownTables', () => {
  it('has a table for each group, and the columns that have values', () => {
    const text = markdownTables(outcome);
    expect(text).toContain(
      '### ddim, T = 20\n\n| method | T | KID×1000 ↓, nsfwjs Inception | Precision % ↑, nsfwjs Inception |',
    );
    expect(text).toContain('| ddim 20 | 20 | 12.500 | 80.50 | - | - | 1.00x |');
    expect(text).toContain('| a_b & 50 % | 20 | 20.000 | 75.00 | 31.23 | 37.50 | 1.60x |');
    expect(text).toContain('### other');
    expect(text).not.toMatch(/FID|latency|NaN|undefined|ddim 100/);
  });

  it('names what made features beside every figure that depends on it', () => {
    const numbers = Object.keys(NOTHING).map((name) => [name, 1] as const);
    const quality = Object.fromEntries(numbers) as unknown as RowQuality;
    const { head } = tableOf({ ...outcome, rows: [{ ...cached, quality }] }, []);
    const named = head.filter((each) => each.endsWith(', nsfwjs Inception'));
    expect(named.map((each) => each.split(' ', 1)[0]).join()).toBe(
      'IS,FID,sFID,KID×1000,Precision,Recall,feature',
    );
    const rest = head.filter((each) => !named.includes(each) && /[↑↓]/.test(each));
    for (const each of rest) expect(each).toMatch(/^(PSNR|SSIM) to/);
  });

  it('names the run that images are compared with', () => {
    const quality = { ...cached.quality, psnrToTarget: 28.5 };
    const text = markdownTables({ ...outcome, rows: [{ ...cached, quality }] });
    expect(text).toContain('PSNR to uncached ↑ | PSNR to ddim 100 ↑ |');
  });
});

describe('latexTable', () => {
  it('is one tabular with as many columns in each line, and nothing that LaTeX takes for its own', () => {
    const text = latexTable(outcome);
    expect(text).toContain('\\begin{tabular}{lrrrrrr}');
    expect(text).toContain('a\\_b \\& 50 \\% & 20 & 20.000 & 75.00 & 31.23 & 37.50 & 1.60x \\\\');
    expect(text).toContain('KID$\\times$1000 $\\downarrow$, nsfwjs Inception');
    const rows = text.split('\n').filter((line) => /^[^%\\].* \\\\$/.test(line));
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row.match(/(?<!\\)&/g)).toHaveLength(6);
  });
});

describe('footnotes', () => {
  it('say what was measured against what, and which rows there are not', () => {
    expect(footnotes(outcome)).toEqual([
      'emoji-dit, guidance 3, 256 images a row; features of nsfwjs Inception, against real.npz.',
      'other: no interval of fora comes near 1.30x (interval 2: 1.90x).',
    ]);
    const plain = { ...outcome, extractor: null, reference: null, missed: [] };
    expect(footnotes(plain)).toEqual(['emoji-dit, guidance 3, 256 images a row.']);
  });
});

describe('groupsOf', () => {
  it('keeps the order of groups and rows', () => {
    expect(groupsOf(outcome.rows).map(({ name, rows }) => [name, rows.length])).toEqual([
      ['ddim, T = 20', 2],
      ['other', 1],
    ]);
  });
});

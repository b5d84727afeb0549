import { readFileSync } from 'node:fs';
import {
  CheckpointError,
  InvalidArgumentError,
  parseRouterFile,
  type RouterFile,
} from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { provenance } from '../__fixtures__/provenance.js';
import {
  importOfficialRouter,
  type OfficialRouterFormat,
  officialRouterRows,
} from './official-router.js';
import { toSchedule } from './schedule.js';

interface Recorded {
  readonly threshold: number;
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  /** Which branches the official inference code ran, in the order of its steps. */
  readonly table: readonly string[];
}

/** Made by scripts/make-official-routers-fixture.py. */
const recorded = JSON.parse(
  readFileSync(new URL('../__fixtures__/official-routers.json', import.meta.url), 'utf8'),
) as Readonly<Record<OfficialRouterFormat, Recorded>>;

const rowsOf = (entries: Iterable<[string, readonly number[]]>) =>
  officialRouterRows({ tensors: new Map(entries), path: 'router.pt' });

describe.each(['harmonica', 'learning-to-cache'] as const)('%s', (format) => {
  const { threshold, tensors, table } = recorded[format];
  const rows = rowsOf(Object.entries(tensors));

  it('runs the branches that the official inference code runs', () => {
    const router = importOfficialRouter({ format, rows, threshold, provenance });
    expect(toSchedule(router).table).toEqual(table);
  });

  it('makes a document that the format accepts', () => {
    const router: RouterFile = importOfficialRouter({ format, rows, provenance });
    expect(parseRouterFile(JSON.stringify(router))).toEqual(router);
    expect(router).toMatchObject({ predictor: 'hold', threshold: 0.1 });
  });
});

describe('importOfficialRouter', () => {
  const rows = [
    [0, 1],
    [2, 3],
    [4, -4],
    [-1, -2],
  ];

  it('turns the rows around and fixes those that compute everything', () => {
    const imported = (format: OfficialRouterFormat) =>
      importOfficialRouter({ format, rows, provenance }).logits;
    expect(imported('harmonica')).toEqual([
      [5, 5],
      [4, -4],
      [2, 3],
      [0, 1],
    ]);
    expect(imported('learning-to-cache')).toEqual([
      [5, 5],
      [4, -4],
      [5, 5],
      [0, 1],
    ]);
  });

  it('refuses what no official router can be', () => {
    const refuse = (options: Partial<Parameters<typeof importOfficialRouter>[0]>) =>
      expect(() =>
        importOfficialRouter({ format: 'learning-to-cache', rows, provenance, ...options }),
      ).toThrow(InvalidArgumentError);
    refuse({ rows: [] });
    refuse({ rows: [[1, 2], [3]] });
    refuse({ rows: [[Number.NaN], [0]] });
    refuse({ rows: rows.slice(1) });
    refuse({ threshold: 0.99 });
    refuse({ threshold: 0 });
  });
});

describe('officialRouterRows', () => {
  it('sorts by number, not by name, and takes a prefix', () => {
    const entries = Array.from({ length: 11 }, (_, i): [string, number[]] => [
      `routers.${i}.prob`,
      [i, -i],
    ]);
    expect(rowsOf([['epoch', [3]], ...entries.toReversed()])).toEqual(
      entries.map(([, values]) => values),
    );
  });

  it.each<[string, [string, number[]][], string]>([
    ['another file', [['weight', [1]]], 'has no tensor named 0.prob'],
    [
      'a missing row',
      [
        ['0.prob', [1]],
        ['2.prob', [1]],
      ],
      '1.prob): is missing',
    ],
    [
      'a number that no router reaches',
      [
        ['0.prob', [1]],
        ['999999999999.prob', [1]],
      ],
      '1.prob): is missing',
    ],
    [
      'two routers of one step',
      [
        ['routers.0.prob', [1]],
        ['ema.0.prob', [2]],
      ],
      'ema.0.prob): is a second router of this step',
    ],
    [
      'rows of different lengths',
      [
        ['0.prob', [1, 2]],
        ['1.prob', [1]],
      ],
      '1.prob): has 1 logits; expected 2',
    ],
  ])('refuses %s', (_name, entries, message) => {
    expect(() => rowsOf(entries)).toThrow(CheckpointError);
    expect(() => rowsOf(entries)).toThrow(message);
  });
});

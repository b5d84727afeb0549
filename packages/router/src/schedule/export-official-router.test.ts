import { readFileSync } from 'node:fs';
import { InvalidArgumentError, type RouterFile } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { provenance } from '../__fixtures__/provenance.js';
import {
  exportOfficialRouter,
  importOfficialRouter,
  type OfficialRouterFormat,
  officialRouterRows,
} from './official-router.js';
import { toSchedule } from './schedule.js';

/** Made by scripts/make-official-routers-fixture.py. */
const recorded = JSON.parse(
  readFileSync(new URL('../__fixtures__/official-routers.json', import.meta.url), 'utf8'),
) as Readonly<
  Record<OfficialRouterFormat, { readonly tensors: Readonly<Record<string, readonly number[]>> }>
>;

/** What the official code would make of the exported file. */
const back = (format: OfficialRouterFormat, router: RouterFile) =>
  importOfficialRouter({
    format,
    rows: officialRouterRows({ tensors: exportOfficialRouter({ format, router }), path: 'x.pt' }),
    threshold: router.threshold,
    provenance: router.provenance,
  });

const router: RouterFile = {
  version: 1,
  kind: 'router',
  steps: 4,
  branches: 2,
  predictor: 'hold',
  threshold: 0.4,
  logits: [
    [7, 8],
    [-1.5, 0.123456],
    [2, 3],
    [0.5, -4],
  ],
  provenance,
};

describe.each(['harmonica', 'learning-to-cache'] as const)('%s', (format) => {
  it('gives what was imported, number for number', () => {
    const tensors = new Map(Object.entries(recorded[format].tensors));
    const rows = officialRouterRows({ tensors, path: 'router.pt' });
    const imported = importOfficialRouter({ format, rows, threshold: 0.4, provenance });
    expect(back(format, imported)).toEqual(imported);
  });

  it('keeps decisions, and logits in float32', () => {
    const exported = exportOfficialRouter({ format, router });
    expect([...exported]).toEqual([
      ['0.prob', Float32Array.of(0.5, -4)],
      ['1.prob', Float32Array.of(2, 3)],
      ['2.prob', Float32Array.of(-1.5, 0.123456)],
      ['3.prob', Float32Array.of(5, 5)],
    ]);
    expect(toSchedule(back(format, router))).toEqual(toSchedule(router));
  });

  it.each<[string, Partial<RouterFile>, RegExp]>([
    ['another predictor', { predictor: 'linear' }, /router\.predictor is "linear"; expected hold/],
    [
      'another predictor in some step',
      { predictor: ['hold', 'hold', 'cubic', 'hold'] },
      /router\.predictor/,
    ],
    ['a threshold that predicts in the first step', { threshold: 0.995 }, /threshold is 0\.995/],
    ['logits beyond float32', { logits: router.logits.with(1, [1e39, 1]) }, /finite logits/],
  ])('refuses %s', (_name, changes, message) => {
    const run = () => exportOfficialRouter({ format, router: { ...router, ...changes } });
    expect(run).toThrow(InvalidArgumentError);
    expect(run).toThrow(message);
  });
});

it('takes a predictor for each step if all are hold', () => {
  const predictor = ['hold', 'hold', 'hold', 'hold'] as const;
  expect(() =>
    exportOfficialRouter({ format: 'harmonica', router: { ...router, predictor } }),
  ).not.toThrow();
});

describe('what Learning-to-Cache always computes', () => {
  const format = 'learning-to-cache';

  it('must be computed by the router', () => {
    const logits = router.logits.with(2, [2, -3]);
    const predicting = { ...router, logits };
    expect(() => exportOfficialRouter({ format, router: predicting })).toThrow(
      /branch 1 of step 2 .*expected everything computed in steps 0, 2, 4/,
    );
    expect(toSchedule(back('harmonica', predicting))).toEqual(toSchedule(predicting));
  });

  it('comes in pairs of steps', () => {
    const odd = { ...router, steps: 3, logits: router.logits.slice(1) };
    expect(() => exportOfficialRouter({ format, router: odd })).toThrow(/even number of steps/);
  });
});

it('refuses decisions that float32 would turn around', () => {
  const even = Math.log(0.4 / 0.6); // a score of 0.4
  const logit = even + (Math.fround(even) > even ? -1e-9 : 1e-9);
  const close = { ...router, logits: router.logits.with(3, [logit, -4]) };
  expect(() => exportOfficialRouter({ format: 'harmonica', router: close })).toThrow(
    /branch 0 of step 3 .*float32 keeps on their side/,
  );
});

import { IncompatibleError, InvalidArgumentError } from '@harmonica/core';
import { branchesOf, createSchedule, router, sigmoid, toSchedule } from '@harmonica/router';
import { describe, expect, it } from 'vitest';
import { heatMapOf, heatMapOfScores } from './heat-map.js';

const branches = branchesOf(2);

describe('heatMapOf', () => {
  it('shows the scores of a router, kinds apart, blocks as rows and steps as columns', () => {
    expect(heatMapOf({ document: router, branches })).toEqual({
      title: 'fake \u00b7 ddim, 3 steps \u00b7 linear \u00b7 CUR 25.0 %',
      scale: 'score',
      threshold: 0.1,
      steps: 3,
      panels: [
        {
          kind: 'attention',
          rows: [
            { block: 0, values: [5, -3, 1].map(sigmoid) },
            { block: 1, values: [5, -2.1, 2].map(sigmoid) },
          ],
        },
        {
          kind: 'mlp',
          rows: [
            { block: 0, values: [5, 0.25, -5].map(sigmoid) },
            { block: 1, values: [-5, -2.3, -1].map(sigmoid) },
          ],
        },
      ],
    });
  });

  it('shows the decisions of a schedule', () => {
    const map = heatMapOf({ document: toSchedule(router), branches, title: 'Mine' });
    expect(map).toMatchObject({ title: 'Mine', scale: 'decision', steps: 3 });
    expect(map.threshold).toBeUndefined();
    expect(map.panels.map(({ rows }) => rows.map(({ values }) => values))).toEqual([
      [
        [1, 0, 1],
        [1, 1, 1],
      ],
      [
        [1, 1, 0],
        [1, 0, 1],
      ],
    ]);
  });

  it('titles a schedule of no origin by what it does', () => {
    const document = createSchedule({ decisions: [[true], [false]] });
    const { title } = heatMapOf({ document, branches: branchesOf(1, ['mlp']) });
    expect(title).toBe('2 steps \u00b7 hold \u00b7 CUR 50.0 %');
  });

  it('has a panel for each kind of branch, in the order they run', () => {
    const kinds = ['attention', 'cross-attention', 'mlp'] as const;
    const document = createSchedule({ decisions: [new Array<boolean>(6).fill(true)] });
    const { panels } = heatMapOf({ document, branches: branchesOf(2, kinds) });
    expect(panels.map(({ kind }) => kind)).toEqual(kinds);
  });

  it('refuses branches of another model', () => {
    expect(() => heatMapOf({ document: router, branches: branchesOf(3) })).toThrow(
      IncompatibleError,
    );
  });
});

describe('heatMapOfScores', () => {
  const of = (scores: number[][]) => heatMapOfScores({ scores, branches, title: '' });

  it('refuses rows of another length, scores outside [0, 1] and no steps', () => {
    expect(() => of([[1, 1, 1]])).toThrow(IncompatibleError);
    expect(() => of([[1, 1, 1, 1.5]])).toThrow(InvalidArgumentError);
    expect(() => of([[1, 1, 1, Number.NaN]])).toThrow(InvalidArgumentError);
    expect(() => of([])).toThrow(InvalidArgumentError);
  });
});

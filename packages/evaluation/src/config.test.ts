import { ConfigError, FileError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { parseEvalConfig } from './config.js';
import { readEvalConfig } from './eval-files.js';

const SMALLEST = { images: 4, groups: [{ steps: 10, rows: [{ policy: 'fora:2' }] }] };

function issuesOf(config: unknown): string {
  try {
    parseEvalConfig(JSON.stringify(config), 'eval.json');
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  return 'none';
}

describe('parseEvalConfig', () => {
  it('fills in what is left out', () => {
    expect(parseEvalConfig(JSON.stringify(SMALLEST))).toEqual({
      ...SMALLEST,
      model: 'emoji-dit',
      batch: 16,
      metrics: ['psnr', 'ssim'],
      extractor: 'nsfwjs',
      latency: { batch: 8, repeats: 5 },
      shown: 8,
    });
  });

  it('takes every kind of reference, row and knob', () => {
    const rows = [
      { steps: 7 },
      { sampler: 'dpm-solver++', steps: 7, settings: { order: 3, spacing: 'trailing' } },
      { policy: { policy: 'dbcache', frontBlocks: 2 }, name: 'DBCache', method: 'dynamic' },
      { policy: 'first-block', knob: { setting: 'threshold', range: [0.02, 0.5] } },
      { knob: { setting: 'steps', values: [9, 8, 7] } },
    ];
    for (const reference of [{ images: 'x' }, { statistics: 'x.npz' }, { steps: 100 }]) {
      const groups = [{ sampler: 'ddim', steps: 20, speedUps: [1.3, 1.8], rows }];
      expect(issuesOf({ images: 4, groups, reference })).toBe('none');
      expect(issuesOf({ images: 4, groups, reference, target: { steps: 100 } })).toBe('none');
    }
  });

  it.each([
    ['an unknown key', { ...SMALLEST, image: 4 }, /image/],
    [
      'an unknown key of a row',
      { images: 4, groups: [{ steps: 9, rows: [{ polcy: 'x' }] }] },
      /polcy/,
    ],
    ['a target that is no run', { ...SMALLEST, target: { images: 'x' } }, /target/],
    ['an unknown metric', { ...SMALLEST, metrics: ['fit'] }, /metrics\.0/],
    ['a seed that there is not', { ...SMALLEST, seeds: -1 }, /seeds/],
    ['no images', { ...SMALLEST, images: 0 }, /images/],
    ['no group', { images: 4, groups: [] }, /groups/],
    [
      'a setting that no sampler has',
      { images: 4, groups: [{ steps: 9, settings: { ordr: 2 }, rows: [] }] },
      /settings/,
    ],
    [
      'a knob without speed-ups',
      { images: 4, groups: [{ steps: 9, rows: [{ knob: { setting: 'steps', values: [8] } }] }] },
      /speedUps/,
    ],
    [
      'a knob without values',
      { images: 4, groups: [{ steps: 9, speedUps: [2], rows: [{ knob: { setting: 'steps' } }] }] },
      /values or a range/,
    ],
    [
      'a knob where nothing is timed',
      {
        images: 4,
        latency: false,
        groups: [{ steps: 9, speedUps: [2], rows: [{ knob: { setting: 'steps', values: [8] } }] }],
      },
      /latency/,
    ],
    [
      'steps that are not whole',
      {
        images: 4,
        groups: [
          { steps: 9, speedUps: [2], rows: [{ knob: { setting: 'steps', range: [9, 4.5] } }] },
        ],
      },
      /knob.*whole numbers/s,
    ],
  ])('names %s', (_, config, issue) => {
    expect(issuesOf(config)).toMatch(issue);
    expect(issuesOf(config)).toMatch(/eval\.json/);
  });

  it.each(['fid', 'sfid', 'precision-recall', 'kid'])('wants a reference for %s', (metric) => {
    const config = { ...SMALLEST, metrics: ['psnr', metric] };
    expect(issuesOf(config)).toMatch(/reference.*expected one/s);
    expect(issuesOf({ ...config, reference: { steps: 100 } })).toBe('none');
  });
});

describe('readEvalConfig', () => {
  it('says when there is no such file', async () => {
    await expect(readEvalConfig('/nowhere/eval.json')).rejects.toThrow(FileError);
  });
});

import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { inLayout, linearParameters, plainParameter } from './parameter.js';

const parameters = [
  ...linearParameters('blocks.12.qkv', 4, 12),
  plainParameter('blocks.12.table', [6, 4], 1),
];

describe('inLayout', () => {
  it('renames with the number of the block, and splits along the first axis', () => {
    const rules = [
      ['blocks.*.qkv', 'layers.*.q', 'layers.*.k', 'layers.*.v'],
      ['blocks.*.table', 'layers.*.table'],
    ] as const;
    const stored = inLayout({ parameters, rules }).map((parameter) =>
      parameter.stored.map(({ names, shapes }) => [names, shapes]),
    );
    expect(stored).toEqual([
      ['q', 'k', 'v'].map((part) => [[`layers.12.${part}.weight`], [[4, 4]]]),
      ['q', 'k', 'v'].map((part) => [[`layers.12.${part}.bias`], [[4]]]),
      [[['layers.12.table'], [[6, 4]]]],
    ]);
  });

  it('names a parameter that no rule covers', () => {
    const rules = [['blocks.*.qkv', 'layers.*.qkv']] as const;
    expect(() => inLayout({ parameters, rules })).toThrowError(InvalidArgumentError);
    expect(() => inLayout({ parameters, rules })).toThrowError(/blocks\.12\.table/);
  });
});

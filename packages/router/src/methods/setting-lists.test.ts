import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { integersIn, mlpBroadcastsIn, windowIn } from './pab.js';

const argument = 'x';

describe('integersIn', () => {
  it.each([
    ['7', [7]],
    ['0-3', [0, 1, 2, 3]],
    ['0-1/5/8-8', [0, 1, 5, 8]],
  ])('reads %s', (text, numbers) => expect(integersIn({ argument, text })).toEqual(numbers));

  it.each(['', '3-1', '1,2', '1/', '-1', '1.5', '0-9999999'])('refuses %o', (text) => {
    expect(() => integersIn({ argument, text })).toThrow(InvalidArgumentError);
    expect(() => integersIn({ argument, text })).toThrow(/x is .* such as 0-4\/7/);
  });
});

describe('windowIn', () => {
  it.each([
    ['100-800', [100, 800]],
    ['0.1-.75', [0.1, 0.75]],
  ])('reads %s', (text, window) => expect(windowIn({ argument, text })).toEqual(window));

  it.each(['', '100', '100-', '-1-5', '1-2-3', 'low-high'])('refuses %o', (text) => {
    expect(() => windowIn({ argument, text })).toThrow(InvalidArgumentError);
  });
});

describe('mlpBroadcastsIn', () => {
  it('reads times, blocks and steps', () => {
    expect(mlpBroadcastsIn({ argument, text: '676:0-2:3/788.5:4' })).toEqual([
      { time: 676, blocks: [0, 1, 2], steps: 3 },
      { time: 788.5, blocks: [4] },
    ]);
  });

  it.each(['', '676', '676:', '676:0-4:', '676:4-0', '676:0-4:2:1', '676:0-4,2'])(
    'refuses %o',
    (text) => expect(() => mlpBroadcastsIn({ argument, text })).toThrow(InvalidArgumentError),
  );
});

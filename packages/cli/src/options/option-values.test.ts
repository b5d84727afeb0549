import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  channelsOption,
  choiceOption,
  integerOption,
  numberOption,
  seedsOption,
  shareOption,
} from './option-values.js';

describe('option values', () => {
  it('are integers in a range', () => {
    const parse = integerOption({ min: 1, max: 20 });
    expect(parse('7')).toBe(7);
    for (const text of ['0', '21', '1.5', 'x', '', ' ']) {
      expect(() => parse(text), text).toThrow(InvalidArgumentError);
    }
    expect(() => parse('0')).toThrow('Expected an integer of at least 1 and at most 20.');
  });

  it('are finite numbers in a range', () => {
    expect(numberOption()('-1e-3')).toBe(-0.001);
    expect(() => numberOption()('NaN')).toThrow('that is finite');
    expect(() => numberOption({ min: 0, max: 1 })('1.1')).toThrow('from 0 to 1');
    expect(() => numberOption({ min: 0 })('-1')).toThrow('of at least 0');
    expect(() => numberOption({ max: 0 })('1')).toThrow('of at most 0');
  });

  it('are words of a list', () => {
    expect(choiceOption(['a', 'b'])('b')).toBe('b');
    expect(() => choiceOption(['a', 'b'])('c')).toThrow('one of a, b');
  });

  it('are seeds with ranges', () => {
    expect(seedsOption('1,7, 20-23')).toEqual([1, 7, 20, 21, 22, 23]);
    expect(seedsOption('5')).toEqual([5]);
    for (const text of ['', 'a', '3-1', '1-', '-1', '0-99999999', '9007199254740993']) {
      expect(() => seedsOption(text), text).toThrow(InvalidArgumentError);
    }
  });

  it('are shares', () => {
    expect(shareOption('2/5')).toEqual({ index: 1, count: 5 });
    expect(shareOption('1/1')).toEqual({ index: 0, count: 1 });
    for (const text of ['', '2', '0/5', '6/5', '1/0', '-1/5', '1.5/5', '1/5/2', 'a/b']) {
      expect(() => shareOption(text), text).toThrow(InvalidArgumentError);
    }
  });

  it('are channels or all of them', () => {
    expect([channelsOption('all'), channelsOption('3')]).toEqual(['all', 3]);
    expect(() => channelsOption('0')).toThrow(InvalidArgumentError);
  });
});

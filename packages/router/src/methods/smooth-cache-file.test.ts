import { ConfigError, InvalidArgumentError } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { branchesOf } from '../__fixtures__/branches.js';
import { randomSchedules } from '../__fixtures__/random-schedules.js';
import {
  DIFFUSERS_COMPONENTS,
  formatSmoothCacheSchedule,
  parseSmoothCacheSchedule,
} from './smooth-cache.js';

const branches = branchesOf(2);
const parse = (text: string) => parseSmoothCacheSchedule({ text, branches });

describe('parseSmoothCacheSchedule', () => {
  it('reads components, and blocks before components', () => {
    const text = '{"attn": [1,0,0,1], "mlp": [1,1,0,1], "attn-1": [1,0,1,1]}';
    expect(parse(text).table).toEqual(['1111', '0101', '0010', '1111']);
    expect(parse(text).predictor).toBe('hold');
  });

  it('computes what the file does not name, and step 0', () => {
    const text = '{"attn1": [0,0,1,0]}';
    const options = { text, branches, components: DIFFUSERS_COMPONENTS };
    expect(parseSmoothCacheSchedule(options).table).toEqual(['1111', '0101', '1111', '0101']);
  });

  it.each([
    ['no JSON', '{'],
    ['another value', '{"attn": [1, 2]}'],
    ['no list', '{"attn": 1}'],
    ['an empty list', '{"attn": []}'],
    ['nothing', '{}'],
    ['lists of two lengths', '{"attn": [1,0], "mlp": [1]}'],
    ['an unknown component', '{"attn": [1,0], "ff": [1,0]}'],
    ['an unknown block', '{"attn-2": [1,0]}'],
  ])('refuses %s', (_, text) => {
    expect(() => parse(text)).toThrow(ConfigError);
  });
});

describe('formatSmoothCacheSchedule', () => {
  it('writes what the official code writes, a line a component', () => {
    const schedule = parse('{"attn": [1,0,0,1], "mlp": [1,1,0,1]}');
    expect(formatSmoothCacheSchedule({ schedule, branches })).toBe(
      '{\n    "attn": [1,0,0,1],\n    "mlp": [1,1,0,1]\n}\n',
    );
  });

  it('comes back as it was, for any schedule', () => {
    fc.assert(
      fc.property(randomSchedules({ branches: 4 }), (random) => {
        const schedule = { ...random, predictor: 'hold' as const };
        const text = formatSmoothCacheSchedule({ schedule, branches });
        expect(parse(text)).toEqual(schedule);
      }),
    );
  });

  it('refuses other predictors and another model', () => {
    const schedule = parse('{"attn": [1,0]}');
    const linear = { ...schedule, predictor: 'linear' as const };
    expect(() => formatSmoothCacheSchedule({ schedule: linear, branches })).toThrow(
      InvalidArgumentError,
    );
    expect(() => formatSmoothCacheSchedule({ schedule, branches: branchesOf(1) })).toThrow(
      InvalidArgumentError,
    );
  });
});

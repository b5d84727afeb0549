import { describe, expect, it } from 'vitest';
import { readSetting, type SettingName } from './settings.js';

describe('readSetting', () => {
  it.each([
    ['spacing', 'linspace', 'linspace'],
    ['order', '3', 3],
    ['order', 3, 3],
    ['clip', ' 1.5 ', 1.5],
    ['eulerAtFinal', 'yes', true],
    ['eulerAtFinal', false, false],
    ['dynamicThreshold', '0.995,2', { ratio: 0.995, max: 2 }],
    ['dynamicThreshold', { ratio: 0.9, max: 1 }, { ratio: 0.9, max: 1 }],
    ['uncorrected', 'all', 'all'],
    ['uncorrected', '0,1', [0, 1]],
    ['uncorrected', 4, [4]],
    ['tau', '0.5', { from: 0, to: Number.POSITIVE_INFINITY, value: 0.5 }],
    ['tau', '200-800', { from: 200, to: 800 }],
    ['tau', '200-800:0.5', { from: 200, to: 800, value: 0.5 }],
  ] as const)('reads %s of %j', (name, value, expected) => {
    expect(readSetting(name, value)).toEqual(expected);
  });

  it.each<[SettingName, unknown, RegExp]>([
    ['spacing', 'even', /^spacing is "even"; expected one of guided-diffusion, .*linspace/],
    ['order', '2.5', /^order is "2.5"; expected an integer of at least 0/],
    ['clip', '', /^clip is ""; expected a finite number/],
    ['clip', 'Infinity', /expected a finite number/],
    ['eulerAtFinal', 'maybe', /expected one of yes, no/],
    ['dynamicThreshold', '0.995', /expected a ratio and a maximum, such as 0.995,2/],
    ['uncorrected', '0,-1', /expected all, or steps such as 0,1/],
    ['tau', '200-800:1:2', /expected a number of at least 0, or times and such a number/],
    ['tau', '-1', /expected a number of at least 0, or times and such a number/],
  ])('refuses %s of %j', (name, value, message) => {
    expect(() => readSetting(name, value)).toThrow(message);
    expect(() => readSetting(name, value)).toThrow(
      expect.objectContaining({ code: 'invalid-argument', argument: name }),
    );
  });
});

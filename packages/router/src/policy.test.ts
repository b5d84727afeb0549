import { ConfigError, InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { formatPolicySpec, isWholeSetting, type PolicySpec, parsePolicySpec } from './policy.js';

const texts: readonly (readonly [string, PolicySpec])[] = [
  ['none', { policy: 'none' }],
  ['fora:2', { policy: 'fora', interval: 2 }],
  ['fora:3,predictor=taylor-2', { policy: 'fora', interval: 3, predictor: 'taylor-2' }],
  [
    'interval:2,initial-steps=3,align=first',
    { policy: 'interval', interval: 2, initialSteps: 3, align: 'first' },
  ],
  ['interval:cross-attention=4,mlp=2', { policy: 'interval', crossAttention: 4, mlp: 2 }],
  ['delta-dit:boundary=12,cached-blocks=3', { policy: 'delta-dit', boundary: 12, cachedBlocks: 3 }],
  [
    'pab:attention=2,cross-attention=6,low=100,high=850',
    { policy: 'pab', attention: 2, crossAttention: 6, low: 100, high: 850 },
  ],
  [
    'pab:attention=2,attention-window=450-930,mlp-after=676:0-4:2/788:0-4',
    {
      policy: 'pab',
      attention: 2,
      attentionWindow: '450-930',
      mlpAfter: '676:0-4:2/788:0-4',
    },
  ],
  [
    'smoothcache:a/b.json,threshold=0.1,per=branch',
    { policy: 'smoothcache', file: 'a/b.json', threshold: 0.1, per: 'branch' },
  ],
  [
    'magcache:7,threshold=0.06,max-skips=3',
    { policy: 'magcache', file: '7', threshold: 0.06, maxSkips: 3 },
  ],
  ['taylorseer:interval=4,order=2', { policy: 'taylorseer', interval: 4, order: 2 }],
  ['first-block:0.2', { policy: 'first-block', threshold: 0.2 }],
  ['dbcache:front-blocks=2,warm-up=4', { policy: 'dbcache', frontBlocks: 2, warmUp: 4 }],
  [
    'dbcache:max-accumulated=0.5,computed-steps=7',
    { policy: 'dbcache', maxAccumulated: 0.5, computedSteps: '7' },
  ],
  [
    'teacache:C:\\here.json,threshold=0.15',
    { policy: 'teacache', file: 'C:\\here.json', threshold: 0.15 },
  ],
  [
    'schedule:router.json,threshold=0.3',
    { policy: 'schedule', file: 'router.json', threshold: 0.3 },
  ],
];

describe('parsePolicySpec', () => {
  it.each(texts)('reads %s, which is written alike', (text, spec) => {
    expect(parsePolicySpec(text)).toEqual(spec);
    expect(parsePolicySpec(spec)).toEqual(spec);
    expect(parsePolicySpec(JSON.stringify(spec))).toEqual(spec);
    expect(formatPolicySpec(spec)).toBe(text);
  });

  it('reads a key for what may go without one, and blanks around all', () => {
    expect(parsePolicySpec(' first-block:threshold=0.2 ')).toEqual({
      policy: 'first-block',
      threshold: 0.2,
    });
  });

  it.each(['router.json', './fora', 'C:\\fora', 'ddim-20-per-step-1.8x', 'a:b/c.json'.slice(2)])(
    'takes %s for a file',
    (file) => expect(parsePolicySpec(file)).toEqual({ policy: 'schedule', file }),
  );

  it('writes what a line cannot hold as JSON', () => {
    for (const spec of [
      { policy: 'fora', interval: 2, predictor: ['hold', 'linear'] },
      { policy: 'schedule', file: 'a,b.json' },
    ] as const) {
      const text = formatPolicySpec(spec);
      expect(text).toBe(JSON.stringify(spec));
      expect(parsePolicySpec(text)).toEqual(spec);
    }
  });

  it.each([
    ['fara:2', /policy is "fara:2"; expected one of none, fora, .*, schedule, or a file/],
    ['', /expected one of none/],
    ['first-blok', /policy is "first-blok"; expected one of none/],
    ['fora:interwal=2', /policy fora is "interwal"; expected one of interval, predictor/],
    ['fora:2,3', /a setting of policy fora is "3"; expected key=value/],
    ['none:2', /a setting of policy none is "2"; expected key=value/],
    ['fora:2,interval=3', /interval of policy fora is "2,interval=3"; expected one value/],
  ])('refuses %o and lists what there is', (text, message) => {
    expect(() => parsePolicySpec(text)).toThrow(InvalidArgumentError);
    expect(() => parsePolicySpec(text)).toThrow(message);
  });

  it.each([
    ['fora', 'interval'],
    ['fora:two', 'interval'],
    ['fora:2.5', 'interval'],
    ['dbcache:warm-up=1.5', 'warm-up'],
    ['fora:2,predictor=quartic', 'predictor'],
    ['teacache:c.json', 'threshold'],
    ['delta-dit:boundary=3', 'cached-blocks'],
    ['{"policy": "pab", "mlpWindow": 5}', 'mlp-window'],
    ['{"policy": ', ''],
  ])('names the setting that is missing or of another type in %s', (text, path) => {
    const caught = (() => {
      try {
        return parsePolicySpec(text);
      } catch (error) {
        return error;
      }
    })();
    expect(caught).toBeInstanceOf(ConfigError);
    expect((caught as ConfigError).issues.map((issue) => issue.path)).toEqual([path]);
  });

  it('refuses an object with a setting of another policy', () => {
    const wrong = { policy: 'fora', interval: 2, frontBlocks: 3 } as unknown as PolicySpec;
    expect(() => parsePolicySpec(wrong)).toThrow(/front-blocks/);
  });
});

describe('isWholeSetting', () => {
  it.each([
    ['fora', 'interval', true],
    ['interval', 'crossAttention', true],
    ['taylorseer', 'warmUp', true],
    ['taylorseer', 'warm-up', true],
    ['first-block', 'threshold', false],
    ['magcache', 'retention', false],
    ['pab', 'low', false],
    ['teacache', 'file', false],
    ['fora', 'predictor', false],
    ['fora', 'nothing', false],
  ] as const)('knows of %s whether %s is one: %s', (policy, setting, expected) => {
    expect(isWholeSetting(policy, setting)).toBe(expected);
  });
});

import { describe, expect, it } from 'vitest';
import { createSubgroupLookup, findSubgroup, toIconName } from './emoji-subgroups.js';

describe('toIconName', () => {
  it.each([
    ['Grinning face', 'grinning-face'],
    ['face with medium-light skin tone: beard', 'face-with-medium-light-skin-tone-beard'],
    ['flag: Côte d’Ivoire', 'flag-cote-divoire'],
    ['flag: Trinidad & Tobago', 'flag-trinidad-and-tobago'],
    ['keycap: #', 'keycap-hash'],
    ['keycap: *', 'keycap-asterisk'],
    ['Japanese “free of charge” button', 'japanese-free-of-charge-button'],
    ['ON! arrow', 'on-arrow'],
  ])('names %j %j', (label, name) => {
    expect(toIconName(label)).toBe(name);
  });
});

describe('findSubgroup', () => {
  const lookup = createSubgroupLookup(
    [
      { label: 'waving hand', subgroup: 1, skins: [{ label: 'waving hand: dark skin tone' }] },
      { label: 'red heart', subgroup: 0 },
      { label: 'regional indicator A' },
    ],
    { 0: 'heart', 1: 'hand-fingers-open' },
  );

  it('knows an emoji and its skin tones by label', () => {
    expect(findSubgroup(lookup, 'waving-hand')).toBe('hand-fingers-open');
    expect(findSubgroup(lookup, 'waving-hand-dark-skin-tone')).toBe('hand-fingers-open');
    expect(findSubgroup(lookup, 'red-heart')).toBe('heart');
  });

  it('falls back to the name without a skin tone', () => {
    expect(findSubgroup(lookup, 'waving-hand-medium-light')).toBe('hand-fingers-open');
    expect(findSubgroup(lookup, 'waving-hand-medium-dark-skin-tone')).toBe('hand-fingers-open');
  });

  it('takes every "flag for" icon as a country flag', () => {
    expect(findSubgroup(lookup, 'flag-for-norway')).toBe('country-flag');
  });

  it('leaves out what has no subgroup', () => {
    expect(findSubgroup(lookup, 'regional-indicator-a')).toBeUndefined();
    expect(findSubgroup(lookup, 'constructor')).toBeUndefined();
  });
});

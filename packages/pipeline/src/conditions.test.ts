import { describe, expect, it } from 'vitest';
import { classConditions } from './conditions.js';

describe('classConditions', () => {
  it('goes from names to labels and back', () => {
    const { nameOf, labelOf } = classConditions({ count: 1000 });
    expect(labelOf('207')).toBe(207);
    expect(labelOf(nameOf(999))).toBe(999);
  });

  it('refuses what is no class', () => {
    const { labelOf } = classConditions({ count: 10 });
    for (const name of ['10', '-1', '1.5', 'dog', '', 'class-']) {
      expect(() => labelOf(name), name).toThrow(/a class number in \[0, 9\]/);
    }
  });
});

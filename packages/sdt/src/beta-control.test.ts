import { expect, it } from 'vitest';
import { adaptBeta } from './beta-control.js';

it('raises the penalty of a router that is too slow and lowers that of one too fast', () => {
  expect(adaptBeta({ beta: 1, speedUp: 1.5, target: 1.5 })).toBe(1);
  expect(adaptBeta({ beta: 1, speedUp: 1.4, target: 1.5 })).toBeCloseTo((1.5 / 1.4) ** 2, 12);
  expect(adaptBeta({ beta: 1, speedUp: 1, target: 2 })).toBe(1.3);
  expect(adaptBeta({ beta: 1, speedUp: 2, target: 1.1 })).toBeCloseTo(1 / 1.3, 12);
});

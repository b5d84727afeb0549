import { expect, it } from 'vitest';
import { adaptBeta } from './beta.js';

const adapted = (speedUp: number, target: number, learningRate = 0.2) =>
  adaptBeta({ beta: 1, speedUp, target, learningRate });

it('raises the penalty of a router that is too slow and lowers that of one too fast', () => {
  expect(adapted(1.5, 1.5)).toBe(1);
  expect(adapted(1.4, 1.5)).toBeCloseTo((1.5 / 1.4) ** 2, 12);
  expect(adapted(1, 2)).toBeCloseTo(Math.exp(0.26), 12);
  expect(adapted(2, 1.1)).toBeCloseTo(Math.exp(-0.26), 12);
});

it('waits for logits that move slowly', () => {
  expect(adapted(1, 2, 0.01)).toBeCloseTo(Math.exp(0.013), 12);
  expect(adapted(2, 1.1, 0.01)).toBeCloseTo(Math.exp(-0.013), 12);
});

import { describe, expect, it } from 'vitest';
import { routerScores, sigmoid } from './schedule.js';

describe('routerScores', () => {
  it('is the sigmoid of every logit', () => {
    const scores = routerScores({
      logits: [
        [0, Math.log(3)],
        [-Math.log(9), 5],
      ],
    });
    const expected = [
      [0.5, 0.75],
      [0.1, 1 / (1 + Math.exp(-5))],
    ];
    expect(scores.flat()).toHaveLength(4);
    scores.flat().forEach((score, i) => {
      expect(score).toBeCloseTo(expected.flat()[i] as number, 14);
    });
  });

  it('saturates without overflow', () => {
    expect(sigmoid(-800)).toBe(0);
    expect(sigmoid(800)).toBe(1);
  });
});

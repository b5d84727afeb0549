import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrateThreshold, speedUpAt } from './threshold.js';

const cost = { unit: 'macs', begin: 1, branches: [2, 3], predict: 0, end: 1 } as const;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const logits = [
  [5, 5],
  [1, -1],
  [0.5, 2],
  [-2, -0.5],
];
const scores = logits.map((row) => row.map(sigmoid));

describe('calibrateThreshold', () => {
  it('predicts just as many of the lowest scores as it takes', () => {
    // Uncached 4 * 7 = 28. Predicting the three lowest (-2, -1, -0.5: costs 2, 3, 3) leaves 20.
    const threshold = calibrateThreshold({ logits, cost, speedUp: 1.35 });
    expect(threshold).toBeGreaterThan(sigmoid(-0.5));
    expect(threshold).toBeLessThan(sigmoid(0.5));
    expect(speedUpAt({ scores, cost, threshold })).toBe(28 / 20);
  });

  it('is the lowest threshold that reaches the speed-up', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.float({ min: -5, max: 5, noNaN: true }),
            fc.float({ min: -5, max: 5, noNaN: true }),
          ),
          {
            minLength: 2,
            maxLength: 8,
          },
        ),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (rows, share) => {
          const random = rows.map((row) => [...row]);
          const s = random.map((row) => row.map(sigmoid));
          const most = speedUpAt({ scores: s, cost, threshold: 1 });
          const speedUp = 1 + (most - 1) * share;
          const threshold = calibrateThreshold({ logits: random, cost, speedUp });
          expect(speedUpAt({ scores: s, cost, threshold })).toBeGreaterThanOrEqual(speedUp);
          const below = s
            .slice(1)
            .flat()
            .filter((score) => score < threshold);
          const lower = Math.max(...below) - 1e-12;
          const before = s
            .slice(1)
            .flat()
            .filter((score) => score < lower);
          const previous = before.length > 0 ? Math.max(...before) : 0;
          expect(speedUpAt({ scores: s, cost, threshold: previous })).toBeLessThan(speedUp);
        },
      ),
    );
  });

  it('refuses what predicting everything cannot reach', () => {
    expect(() => calibrateThreshold({ logits, cost, speedUp: 3 })).toThrowError(
      /speedUp is 3; expected at most 2\.154/,
    );
  });
});

import type { CachePredictor } from '@harmonica/core';
import { holdPredictor, linearPredictor, quadraticPredictor } from './polynomial-predictor.js';

/** Two predictors to go between. */
export interface HalfwayPredictorOptions {
  readonly name: string;
  readonly lower: CachePredictor;
  readonly higher: CachePredictor;
}

/**
 * The mean of two predictions. A cached output differs from what the uncached run would have computed there, and a higher
 * degree extrapolates that difference as well: half of the last difference is often closer than all of it or none.
 *
 * Like those of the polynomials, its weights sum to 1 and it is as good as they are while fewer outputs are at hand.
 */
export function halfwayPredictor(options: HalfwayPredictorOptions): CachePredictor {
  const { name, lower, higher } = options;
  return {
    name,
    depth: Math.max(lower.depth, higher.depth),
    weights(step, computed) {
      const [a, b] = [lower, higher].map((each) =>
        each.weights(step, computed.slice(0, each.depth)),
      ) as [readonly number[], readonly number[]];
      const count = Math.max(a.length, b.length);
      return Array.from({ length: count }, (_, i) => ((a[i] ?? 0) + (b[i] ?? 0)) / 2);
    },
  };
}

/** Half way from the last output to the line through the last two. */
export const halfLinearPredictor: CachePredictor = /* @__PURE__ */ halfwayPredictor({
  name: 'half-linear',
  lower: holdPredictor,
  higher: linearPredictor,
});

/** Half way from the line to the parabola through the last three outputs. */
export const halfQuadraticPredictor: CachePredictor = /* @__PURE__ */ halfwayPredictor({
  name: 'half-quadratic',
  lower: linearPredictor,
  higher: quadraticPredictor,
});

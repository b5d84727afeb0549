import { z } from 'zod';
import { type DynamicPolicy, decideWholeSteps } from '../run/dynamic-policy.js';
import { firstBranchAfter } from './dual-block-cache.js';
import { assertThreshold, cachingMethod, predicting } from './method.js';

/**
 * First-block cache (the library ParaAttention; as in diffusers): computes block 0 in every step, and predicts all
 * others while what block 0 adds to the tokens has changed by at most the threshold since the last full step.
 *
 * diffusers then adds what all other blocks added in the last full step; here each of their branches is predicted by
 * itself, and joins with the gate of its step.
 *
 * @param options `threshold` is at least 0. Default 0.05, as in diffusers, whose examples use up to 0.2.
 * @throws {@link InvalidArgumentError} if the threshold is negative, or, when a run starts, the model has one block.
 */
export function firstBlockCachePolicy(
  options: { readonly threshold?: number } = {},
): DynamicPolicy {
  const { threshold = 0.05 } = options;
  const name = 'first-block-cache';
  assertThreshold(threshold);
  return {
    name,
    start: ({ branches }) =>
      decideWholeSteps({
        name,
        watch: {
          signal: 'residual',
          branch: firstBranchAfter({ branches, frontBlocks: 1, backBlocks: 0 }),
          since: 'last-full-step',
        },
        isAlwaysComputed: ({ block }) => block === 0,
        decideStep: (_, { change = Infinity }) => (change <= threshold ? 'predict' : 'compute'),
      }),
  };
}

/** {@link firstBlockCachePolicy}. */
export const firstBlockCache = /* @__PURE__ */ cachingMethod({
  name: 'first-block',
  summary: 'first-block cache: all others are predicted while the first one changes little',
  settings: () => ({ threshold: z.number().exactOptional(), ...predicting() }),
  firstSetting: 'threshold',
  make: firstBlockCachePolicy,
});

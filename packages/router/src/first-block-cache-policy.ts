import { assertThreshold, frontBranches } from './dual-block-cache-policy.js';
import { type DynamicPolicy, decideWholeSteps } from './dynamic-policy.js';

/**
 * First-block cache (the library ParaAttention; as in diffusers): computes block 0 in every step, and predicts all
 * others while what block 0 puts out has changed by at most the threshold since the last full step.
 *
 * The change is that of branch outputs before their gates, not of what the block adds to the tokens, because that is
 * what an executor hands out.
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
          branches: frontBranches({ branches, frontBlocks: 1, backBlocks: 0 }),
          since: 'last-full-step',
        },
        isAlwaysComputed: ({ block }) => block === 0,
        decideStep: (_, { change = Infinity }) => (change <= threshold ? 'predict' : 'compute'),
      }),
  };
}

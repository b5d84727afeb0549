import { restoreRng } from '@harmonica/core';
import { swapped, swapSteps } from '@harmonica/iepo';
import { onFreshBatch } from './batch.js';
import { candidateNames, predictorSearch } from './loss-weights.js';
import type { TrainingState, TrainRouterOptions } from './training-run.js';

/** How many batches decide on a swap. */
const SWAP_BATCHES = 2;

/** Whether a state still wants swaps: it is trained, and the search has neither ended nor used up its rounds. */
export function wantsSwap({ config }: TrainRouterOptions, state: TrainingState): boolean {
  return (state.swaps?.rounds ?? 0) < (config.swaps ?? 0) && !state.swaps?.ended;
}

/**
 * Lets two steps of the schedule that training ended with change places if that brings images closer to the uncached ones,
 * on a batch of its own. The scores of the steps change places, so that the threshold keeps its meaning.
 */
export async function swapRound(
  options: TrainRouterOptions,
  state: TrainingState,
): Promise<TrainingState> {
  const { config, signal, onSwap } = options;
  const { logits } = state;
  const rng = restoreRng(state.rng);
  const { candidates, chosen = logits.map(() => 0) } = predictorSearch(config, state) ?? {};
  const found = await onFreshBatch(options, state, {
    rng,
    batches: SWAP_BATCHES,
    use: (batch) =>
      swapSteps({
        ...batch,
        chosen,
        ...(candidates && { candidates }),
        ...(signal && { signal }),
      }),
  });
  const rounds = (state.swaps?.rounds ?? 0) + 1;
  onSwap?.({ ...found, round: rounds, rounds: config.swaps ?? 0 });
  return {
    ...state,
    rng: rng.state(),
    logits: found.swap ? swapped(logits, found.swap) : logits,
    predictor: candidates ? candidateNames(found.chosen) : state.predictor,
    swaps: { rounds, ended: !found.swap },
  };
}

import { restoreRng } from '@harmonica/core';
import { exchanged, exchangeSteps } from '@harmonica/iepo';
import { onFreshBatch } from './batch.js';
import { predictorNames, predictorSearch } from './loss-weights.js';
import type { TrainingState, TrainRouterOptions } from './training-run.js';

/** How many batches decide on an exchange. */
const EXCHANGE_BATCHES = 2;

/** Whether a state still wants exchanges: it is trained, and the search has neither ended nor used up its rounds. */
export function wantsExchange({ config }: TrainRouterOptions, state: TrainingState): boolean {
  return (state.exchanges?.rounds ?? 0) < (config.exchanges ?? 0) && !state.exchanges?.ended;
}

/**
 * Lets two steps of the schedule that training ended with change places if that brings images closer to the uncached ones,
 * on a batch of its own. The scores of the steps change places, so that the threshold keeps its meaning.
 */
export async function exchangeRound(
  options: TrainRouterOptions,
  state: TrainingState,
): Promise<TrainingState> {
  const { config, signal, onExchange } = options;
  const { logits } = state;
  const rng = restoreRng(state.rng);
  const { candidates, chosen = logits.map(() => 0) } = predictorSearch(config, state) ?? {};
  const found = await onFreshBatch(options, state, {
    rng,
    batches: EXCHANGE_BATCHES,
    use: (batch) =>
      exchangeSteps({
        ...batch,
        chosen,
        ...(candidates && { candidates }),
        ...(signal && { signal }),
      }),
  });
  const rounds = (state.exchanges?.rounds ?? 0) + 1;
  onExchange?.({ ...found, round: rounds, rounds: config.exchanges ?? 0 });
  return {
    ...state,
    rng: rng.state(),
    logits: found.exchange ? exchanged(logits, found.exchange) : logits,
    predictor: candidates ? predictorNames(found.chosen) : state.predictor,
    exchanges: { rounds, ended: !found.exchange },
  };
}

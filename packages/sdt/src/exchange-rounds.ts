import { restoreRng } from '@harmonica/core';
import { exchanged, exchangeSteps } from '@harmonica/iepo';
import { predictorNames, predictorSearch } from './refresh-weights.js';
import { hardScores, thresholdInForce } from './router-updates.js';
import { disposeParts, drawNoise, routedParts } from './training-batch.js';
import { costModelIn } from './training-costs.js';
import type { TrainRouterOptions } from './training-run.js';
import type { TrainingState } from './training-state.js';

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
  const batch = drawNoise(options, rng, EXCHANGE_BATCHES * config.batchSize);
  const { candidates, chosen = logits.map(() => 0) } = predictorSearch(config, state) ?? {};
  const threshold = thresholdInForce(config, logits, costModelIn(options, state));
  const rounds = (state.exchanges?.rounds ?? 0) + 1;
  try {
    const found = await exchangeSteps({
      parts: routedParts(options, state, batch),
      scores: hardScores(logits, threshold),
      chosen,
      ...(candidates && { candidates }),
      ...(signal && { signal }),
    });
    onExchange?.({ ...found, round: rounds, rounds: config.exchanges ?? 0 });
    return {
      ...state,
      rng: rng.state(),
      logits: found.exchange ? exchanged(logits, found.exchange) : logits,
      predictor: candidates ? predictorNames(found.chosen) : state.predictor,
      exchanges: { rounds, ended: !found.exchange },
    };
  } finally {
    disposeParts(batch);
  }
}

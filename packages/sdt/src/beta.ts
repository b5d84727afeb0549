import {
  type CostModel,
  createSchedule,
  type StepMatrix,
  theoreticalSpeedUp,
} from '@harmonica/router';
import { lowestThreshold } from './threshold.js';

/** Options of {@link adaptBeta}. */
export interface AdaptBetaOptions {
  readonly beta: number;
  /** Theoretical speed-up of the router as it stands. */
  readonly speedUp: number;
  readonly target: number;
  /** Of the trajectory: how far a logit moved at most. */
  readonly learningRate: number;
}

/** How strongly beta answers to the distance from the target, per trajectory. */
const RATE = 2;
/** Largest change of the logarithm of beta while a logit moves by 1. */
const LARGEST_CHANGE = 1.3;

/**
 * The penalty weight after a trajectory: raised while the router is slower than the target, lowered while it is
 * faster, `beta * (target / speedUp)^2` within a factor of `exp(1.3 learningRate)`: logits have to follow before it goes on,
 * or beta runs away while they are under way. Replaces the hand-tuned beta of the paper.
 */
export function adaptBeta({ beta, speedUp, target, learningRate }: AdaptBetaOptions): number {
  const wanted = (target / speedUp) ** RATE;
  const most = Math.exp(LARGEST_CHANGE * learningRate);
  return beta * Math.min(most, Math.max(1 / most, wanted));
}

/** Options of {@link startingBeta}. */
export interface StartingBetaOptions {
  /** Marginal lambda of each step; step 0 is not read. */
  readonly lambda: readonly number[];
  readonly cost: CostModel;
  /** Theoretical speed-up to reach. */
  readonly target: number;
}

/**
 * A penalty weight to start from, so that a short training does not spend itself on finding one. Half-way between
 * predicted and computed, a step of relative lambda r gains `r / N` per unit of compute; predicting the steps of least
 * gain until the target is reached leaves a gain that separates them from the rest, and that is beta.
 *
 * @returns 0 if no step has any lambda
 */
export function startingBeta({ lambda, cost, target }: StartingBetaOptions): number {
  const steps = lambda.length;
  const branches = cost.branches.length;
  const mean = lambda.reduce((sum, value) => sum + value, 0) / Math.max(1, steps - 1);
  if (mean === 0) return 0;
  const gains = lambda.map((value) => value / mean / branches);
  const order = gains.map((_, step) => step).slice(1);
  order.sort((a, b) => (gains[a] as number) - (gains[b] as number));
  const predicted = new Set<number>();
  for (const step of order) {
    predicted.add(step);
    const decisions = gains.map((_, t) => cost.branches.map(() => !predicted.has(t)));
    if (theoreticalSpeedUp({ schedule: createSchedule({ decisions }), cost }) >= target) break;
  }
  const last = gains[order[predicted.size - 1] as number] as number;
  const next = gains[order[predicted.size] ?? (order.at(-1) as number)] as number;
  return (last + next) / 2;
}

interface GainsBetaOptions {
  /**
   * `[T][N]`: by how much the loss without penalty falls for a unit of cost and of score where the score is the
   * threshold. Row 0 is not read.
   */
  readonly gains: StepMatrix;
  readonly cost: CostModel;
  /** Theoretical speed-up to reach. */
  readonly target: number;
}

/**
 * A penalty weight to start from where no lambda says what a branch is worth: the branches whose gain it exceeds are
 * those that the target lets be predicted.
 *
 * @returns at least 0
 */
export function betaOfGains({ gains, cost, target: speedUp }: GainsBetaOptions): number {
  const scores = gains.map((row) => row.map((gain) => Math.max(0, gain)));
  return lowestThreshold({ scores, cost, speedUp, highest: Math.max(...scores.slice(1).flat()) });
}

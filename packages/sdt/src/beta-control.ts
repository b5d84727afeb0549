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

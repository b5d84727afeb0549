export interface AdaptBetaOptions {
  readonly beta: number;
  /** Theoretical speed-up of the router as it stands. */
  readonly speedUp: number;
  readonly target: number;
}

/** How strongly beta answers to the distance from the target, per trajectory. */
const RATE = 2;
/** Largest factor by which beta changes in one trajectory. */
const LARGEST_CHANGE = 1.3;

/**
 * The penalty weight after a trajectory: raised while the router is slower than the target, lowered while it is
 * faster, `beta * (target / speedUp)^2` within a factor of 1.3. Replaces the hand-tuned beta of the paper.
 */
export function adaptBeta({ beta, speedUp, target }: AdaptBetaOptions): number {
  const wanted = (target / speedUp) ** RATE;
  return beta * Math.min(LARGEST_CHANGE, Math.max(1 / LARGEST_CHANGE, wanted));
}

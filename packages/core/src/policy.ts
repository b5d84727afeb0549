import type { Branch } from './backbone.js';

/** Numbers about the run that a dynamic policy may look at. */
export interface Probe {
  /**
   * Relative L1 change of what the policy watches, the same for all branches of a step: `sum |now - then| / sum |then|`,
   * at least 0. Absent in step 0, when there is nothing to compare with, and for a policy that watches nothing. What is
   * watched, and since when, is for who runs the policy to say (`Watch` in `@harmonica/router`).
   */
  readonly change?: number;
}

/** Decides one branch at one step. Static policies ignore `probe`. Step 0 always computes everything. */
export interface CachePolicy {
  readonly name: string;
  /** Whether the branch runs at this step, or is predicted from outputs that it had before. */
  decide(step: number, branch: Branch, probe: Probe): 'compute' | 'predict';
}

/**
 * What stands in for a branch that is not computed: a linear combination of its last computed outputs. Numbers only, so
 * every engine runs every predictor.
 */
export interface CachePredictor {
  readonly name: string;
  /** How many computed outputs are read at most. */
  readonly depth: number;
  /**
   * @param step the step to predict
   * @param computed the steps whose outputs are at hand, most recent first, 1 to `depth` of them
   * @returns one coefficient per entry of `computed`
   */
  coefficients(step: number, computed: readonly number[]): readonly number[];
}

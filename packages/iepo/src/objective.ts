import { assertArgument } from '@harmonica/core';

/** The two terms of the routing loss at one step, and their sum. */
export interface ObjectiveTerms {
  readonly data: number;
  readonly penalty: number;
  readonly loss: number;
}

/** What the objective of a step is computed from. */
export interface ObjectiveOptions {
  /** Loss weight of the step: lambda(t), or lambda(t) over the step's error. At least 0. */
  readonly lossWeight: number;
  /** Mean squared error between the teacher's and the student's guided output. */
  readonly error: number;
  readonly beta: number;
  readonly scores: readonly number[];
  /** Cost of each branch, with mean 1. The paper counts all branches as 1. */
  readonly costs: readonly number[];
}

/**
 * The image-error-proxy-guided objective of one step (HarmoniCa, 2025, Eq. 7):
 * `lossWeight * error + beta * sum_k costs[k] * scores[k]`.
 *
 * @throws {@link InvalidArgumentError} if there is not one cost for each score
 */
export function objective(options: ObjectiveOptions): ObjectiveTerms {
  const { lossWeight, error, beta, scores, costs } = options;
  const expected = `${scores.length} costs, one for each score`;
  assertArgument({ costs }, expected, costs.length === scores.length);
  const data = lossWeight * error;
  const penalty = beta * scores.reduce((sum, s, k) => sum + s * (costs[k] as number), 0);
  return { data, penalty, loss: data + penalty };
}

import type { Tensor4D } from '@tensorflow/tfjs-core';
import { everyBranch, type LambdaOptions, withForks } from './forks.js';
import { imageError, meanSquaredError } from './image-error.js';

/**
 * lambda(t) as HarmoniCa's paper defines it (Eq. 6): the squared error of the final latent between the run with all
 * routers in force and the run in which step t alone computes everything. Here it is the mean over elements, so that
 * it does not grow with image size and batch.
 *
 * Runs share what they have in common: each variation starts from the state of the main run just before step t, so a
 * refresh costs about `steps^2 / 2` model calls and gives the very numbers of `steps^2`.
 *
 * @returns one value per step; 0 for step 0, which always computes everything
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export function leaveOneOutLambda(options: LambdaOptions): Promise<number[]> {
  const { run, scores } = options;
  const inForce = (step: number) => scores[step] as readonly number[];
  const ones = everyBranch(run, 1);
  return withForks(options, async (forks) => {
    const finals: Tensor4D[] = [];
    let state = await forks.first();
    for (let t = 1; t < scores.length; t++) {
      const varied = await forks.fork({ from: state, index: t, scores: ones });
      forks.free(varied.output);
      finals.push(await forks.finish(varied.state, t + 1, inForce));
      state = await forks.move({ from: state, index: t, scores: inForce(t) });
    }
    const lambda = [0];
    for (const final of finals) lambda.push(await imageError(run, final, state.plan.latent));
    return lambda;
  });
}

/**
 * lambda(t) as HarmoniCa's published code computes it: starting from an uncached run, the routers of steps 1, 2, ... are
 * put in force one after the other (each run keeps those before), and lambda(t) is the mean squared difference that
 * step t's router makes to the final latent. Prefixes are shared as in {@link leaveOneOutLambda}.
 *
 * @returns one value per step; 0 for step 0
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export function cumulativeLambda(options: LambdaOptions): Promise<number[]> {
  const { scores } = options;
  return withForks(options, async (forks) => {
    const lambda = [0];
    let state = await forks.first();
    let previous = await forks.finishUncached(forks.share(state), 1);
    for (let t = 1; t < scores.length; t++) {
      const row = scores[t] as readonly number[];
      state = await forks.move({ from: state, index: t, scores: row });
      const current = await forks.finishUncached(forks.share(state), t + 1);
      lambda.push(await meanSquaredError(current, previous));
      forks.free(previous);
      previous = current;
    }
    return lambda;
  });
}

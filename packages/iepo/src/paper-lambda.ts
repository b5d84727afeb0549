import { anyRun, type BatchTensor, everyBranch, type LambdaOptions, withForks } from './forks.js';
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
export async function leaveOneOutLambda(options: LambdaOptions): Promise<number[]> {
  const { parts, scores } = options;
  const inForce = (step: number) => ({ scores: scores[step] as readonly number[] });
  const ones = everyBranch(parts, 1);
  return withForks(options, async (forks) => {
    const variations: BatchTensor[] = [];
    let state = await forks.first();
    for (let t = 1; t < scores.length; t++) {
      const varied = await forks.attempt({ from: state, index: t, scores: ones }, inForce);
      forks.free(varied.outputs);
      variations.push(varied.finals);
      state = await forks.move({ from: state, index: t, ...inForce(t) });
    }
    const routed = state.map(({ plan }) => plan.latent);
    const lambda = [0];
    for (const finals of variations) lambda.push(await imageError(anyRun(parts), finals, routed));
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
    let previous = await forks.finish(state, 1, forks.uncached);
    for (let t = 1; t < scores.length; t++) {
      const row = scores[t] as readonly number[];
      state = await forks.move({ from: state, index: t, scores: row });
      const current = await forks.finish(state, t + 1, forks.uncached);
      lambda.push(await meanSquaredError(current, previous));
      forks.free(previous);
      previous = current;
    }
    return lambda;
  });
}

import { createNameTable } from '@harmonica/core';
import type { LambdaOptions } from './forks.js';
import {
  type ChoosePredictorsOptions,
  choosePredictors,
  type MarginalLambdaOptions,
  marginalLambda,
} from './marginal-lambda.js';
import { cumulativeLambda, leaveOneOutLambda } from './paper-lambda.js';
import { choosePredictorsAlone, singleStepLambda } from './single-step-lambda.js';

/** What training knows when lambda(t) is due. */
export interface ProxyOptions
  extends Pick<MarginalLambdaOptions, 'parts' | 'signal' | 'candidates' | 'chosen'> {
  /** `[T][N]`: scores in force, as the trainer applies them. */
  readonly soft: LambdaOptions['scores'];
  /** `[T][N]`: the same as hard decisions, 0 and 1. */
  readonly hard: LambdaOptions['scores'];
}

/** lambda(t), the loss weights that follow from it, and predictors: one of each per step. */
export interface StepWeights {
  readonly lambda: readonly number[];
  readonly lossWeights: readonly number[];
  /** Index of the candidate to use. */
  readonly chosen?: readonly number[];
}

/** A way to say how much each step matters to the final image. Pure functions, and a name that training configs have. */
export interface LambdaProxy {
  /** Lower-case letters, digits and hyphens. */
  readonly name: string;
  /** What it measures, in a line of help. */
  readonly summary: string;
  /** Whether loss weights are relative to the mean of lambda, so that a beta to start from follows from lambda. */
  readonly isRelative: boolean;
  /** Finds lambda(t) and the loss weights. With candidates it may choose predictors on the way. */
  weigh(options: ProxyOptions): Promise<StepWeights>;
  /** Chooses a predictor for each step of a hard schedule. Left out: `choosePredictors`. */
  choose?(options: ChoosePredictorsOptions): Promise<readonly number[]>;
}

/** Every proxy, one entry each. */
const PROXIES = /* @__PURE__ */ createNameTable<LambdaProxy>({
  what: 'proxy',
  entries: [
    {
      name: 'leave-one-out',
      summary: "the paper's: all routers on, against all on except step t",
      isRelative: false,
      weigh: async (options) => unscaled(await leaveOneOutLambda(softRun(options))),
    },
    {
      name: 'cumulative',
      summary: "the published code's: routers switched on one after the other",
      isRelative: false,
      weigh: async (options) => unscaled(await cumulativeLambda(softRun(options))),
    },
    {
      name: 'marginal',
      summary: 'step t predicted or not, the schedule in force everywhere else',
      isRelative: true,
      weigh: ({ hard, ...search }) => relativeTo(marginalLambda({ ...search, scores: hard })),
    },
    {
      name: 'single-step',
      summary: 'step t alone predicted, everything else computed',
      isRelative: true,
      weigh: ({ hard, ...search }) => relativeTo(singleStepLambda({ ...search, scores: hard })),
      choose: choosePredictorsAlone,
    },
    {
      name: 'uniform',
      summary: 'every step weighs 1',
      isRelative: false,
      weigh: async ({ soft }) => unscaled(soft.map((_, step) => (step === 0 ? 0 : 1))),
    },
  ],
});

/** The names of all proxies. */
export function proxyNames(): readonly string[] {
  return PROXIES.names();
}

/** @throws {@link InvalidArgumentError} if there is no proxy of that name; lists what there is */
export function proxyByName(name: string): LambdaProxy {
  return PROXIES.get(name);
}

/**
 * Gives a proxy a name in this program, so that training configs can name it like any other.
 *
 * @returns a function that takes the name away again
 * @throws {@link InvalidArgumentError} if the name is taken or malformed
 */
export function registerProxy(proxy: LambdaProxy): () => void {
  return PROXIES.register(proxy);
}

/**
 * lambda(t) and the weight of each step in the loss, by the named proxy. With `candidates` it chooses a predictor for each
 * step as well; proxies of soft scores go on to measure with the predictor of the runs.
 *
 * @throws {@link InvalidArgumentError} if there is no proxy of that name
 */
export async function stepWeights(
  options: ProxyOptions & { readonly proxy: string },
): Promise<StepWeights> {
  const { proxy: name, ...given } = options;
  const { chosen, ...found } = await proxyByName(name).weigh(given);
  const { soft: _, hard, candidates, ...search } = given;
  if (!candidates) return found;
  const choose = () => proxyPredictors({ ...search, candidates, scores: hard, proxy: name });
  return { ...found, chosen: chosen ?? (await choose()) };
}

/** A predictor for each step of a hard schedule, chosen in the way of the proxy, without lambda. */
export function proxyPredictors(
  options: ChoosePredictorsOptions & { readonly proxy: string },
): Promise<readonly number[]> {
  const { proxy: name, ...search } = options;
  const { choose = choosePredictors } = proxyByName(name);
  return choose(search);
}

/** What lambda of soft scores is measured with: the predictor of the runs alone. */
function softRun({ parts, soft, signal }: ProxyOptions): LambdaOptions {
  return { parts, scores: soft, signal };
}

/** Loss weights that are lambda itself, as in the paper and its code. */
function unscaled(lambda: readonly number[]): StepWeights {
  return { lambda, lossWeights: lambda };
}

/**
 * Loss weights that turn an error of the model output at step t into one of the image, lambda(t) / error(t), over the mean
 * of lambda, so that beta does not depend on the model.
 */
async function relativeTo(
  measured: Promise<{
    readonly lambda: readonly number[];
    readonly stepError: readonly number[];
    readonly chosen: readonly number[];
  }>,
): Promise<StepWeights> {
  const { lambda, stepError, chosen } = await measured;
  const mean = lambda.reduce((sum, value) => sum + value, 0) / Math.max(1, lambda.length - 1);
  const lossWeights = lambda.map((value, step) => {
    const error = stepError[step] as number;
    return error > 0 && mean > 0 ? value / error / mean : 0;
  });
  return { lambda, lossWeights, chosen };
}

import { assertArgument } from '@harmonica/core';
import { proxyNames } from '@harmonica/iepo';
import { predictorNames } from '@harmonica/router';

/** What logits start from. */
export type InitialLogits =
  /** Independent N(0, 1), as in the paper. */
  | { readonly kind: 'normal' }
  /**
   * Every `interval`-th step computed, the steps in between predicted, the first `initialSteps` full. With `targetSpeedup`
   * the smallest interval from `interval` on that reaches it.
   */
  | { readonly kind: 'interval'; readonly interval: number; readonly initialSteps: number };

/** Settings of a training run. Plain JSON. */
export interface TrainingConfig {
  /**
   * What updates are made from. `sdt` (default): Step-wise Denoising Training, the student's trajectories from noise
   * (HarmoniCa, 2025). `l2c`: Learning-to-Cache (2024), pairs of steps on noised latents of real images, the first of
   * which computes everything.
   */
  readonly trainer?: 'sdt' | 'l2c' | undefined;
  /** Integer in [0, 2^53). Everything random follows from it. */
  readonly seed: number;
  /** Images per trajectory, or per pair; the model runs on twice as many with guidance. */
  readonly batchSize: number;
  /**
   * Samples that the model runs on at a time, at most (default 8), but at least one image; with guidance an image is two. A batch
   * is taken in equal parts, whose errors and gradients are averaged. Less takes less memory, and more is a little
   * faster. Results differ by rounding alone.
   */
  readonly microBatch?: number | undefined;
  /** Router updates, one per step. Rounded up to whole trajectories of T - 1 updates, or to T / 2 pairs. */
  readonly iterations: number;
  readonly learningRate: number;
  /** Learning rate at the end, reached along half a cosine. Equal to `learningRate`: constant. */
  readonly finalLearningRate: number;
  /**
   * Weight of the compute penalty. With `targetSpeedup` it is adapted, and its start follows from the first lambda if the
   * proxy is relative to it, else from the gradients of the first trajectory, whatever is given here.
   */
  readonly beta: number;
  /** Speed-up to reach, above 1: by measured time with costs `ms`, else by MACs. Adapts beta and chooses the final threshold. */
  readonly targetSpeedup?: number | undefined;
  /**
   * What a branch weighs in the penalty. `uniform`: 1, as in the paper. `macs`: its MACs, `ms`: its time on the executor,
   * measured before the first update; both with mean 1, so that beta keeps its meaning.
   */
  readonly costs: 'uniform' | 'macs' | 'ms';
  /** Which lambda(t) weighs the steps: one of `proxyNames` of `@harmonica/iepo`. */
  readonly proxy: string;
  /** Updates between two refreshes of lambda (C in the paper). */
  readonly refreshEvery: number;
  /** Share of each new lambda in the running average, in (0, 1]. 1: the newest alone, as in the paper. */
  readonly refreshShare: number;
  /**
   * One of `predictorNames` of `@harmonica/router`, or `per-step`: at every refresh of lambda, the one that harms the final
   * image least is chosen for each step.
   */
  readonly predictor: string;
  /** `branch`: every branch has a logit of its own, as in the paper. `step`: the branches of a step share one. */
  readonly granularity: 'branch' | 'step';
  /** Scores above it compute. In (0, 1). */
  readonly threshold: number;
  readonly initial: InitialLogits;
  /** Last part of the run that applies hard masks with straight-through gradients, in [0, 1]. */
  readonly hardFinish: number;
  /**
   * Rounds of a search for a better schedule of the same cost after the last update, at most (default 0): each lets a predicted
   * and a computed step change places if that helps, on images of its own, and takes about as long as two refreshes of lambda.
   * Needs one logit for a step.
   */
  readonly swaps?: number | undefined;
  /**
   * `fresh` (default): no two batches are the same. `repeated`: every refresh of lambda starts the random numbers again
   * from the seed, so that training sees the same batches over and over, as HarmoniCa's official code does.
   */
  readonly batches?: 'fresh' | 'repeated' | undefined;
}

/** Every logit is clamped to [-LOGIT_LIMIT, LOGIT_LIMIT] after an update (HarmoniCa's official code). */
export const LOGIT_LIMIT = 5;

/**
 * The recipe of the paper (T = 10 on DiT-XL/2): hold predictor, normal initial logits, cumulative lambda every 500
 * updates, beta 7e-8, learning rate 0.01, threshold 0.1, 20,000 updates.
 */
export const paperConfig: TrainingConfig = {
  seed: 42,
  batchSize: 32,
  iterations: 20_000,
  learningRate: 0.01,
  finalLearningRate: 0.01,
  beta: 7e-8,
  costs: 'uniform',
  proxy: 'cumulative',
  refreshEvery: 500,
  refreshShare: 1,
  predictor: 'hold',
  granularity: 'branch',
  threshold: 0.1,
  initial: { kind: 'normal' },
  hardFinish: 0,
};

/**
 * What a laptop trains in minutes: the best predictor for each step, whole steps decided together, started from
 * alternate steps, marginal lambda, costs by MACs, an annealed learning rate.
 */
export const defaultConfig: TrainingConfig = {
  seed: 42,
  batchSize: 4,
  iterations: 400,
  learningRate: 0.2,
  finalLearningRate: 0.02,
  beta: 0.02,
  costs: 'macs',
  proxy: 'marginal',
  refreshEvery: 100,
  refreshShare: 0.5,
  predictor: 'per-step',
  granularity: 'step',
  threshold: 0.5,
  initial: { kind: 'interval', interval: 2, initialSteps: 2 },
  hardFinish: 0,
};

/**
 * The recipe of Learning-to-Cache for DDIM with 20 steps on DiT-XL/2 (its official code): normal initial logits, the plain
 * loss, l1 5e-6 (1e-6 for 10 and 50 steps), learning rate 0.001, threshold 0.1, one pass over 1.28 million images. With
 * another `proxy` its pairs are trained by the objective of HarmoniCa.
 */
export const l2cConfig: TrainingConfig = {
  ...paperConfig,
  trainer: 'l2c',
  seed: 0,
  batchSize: 64,
  learningRate: 1e-3,
  finalLearningRate: 1e-3,
  beta: 5e-6,
  proxy: 'uniform',
};

/** What the optional settings are where they are not given. */
export const SETTING_DEFAULTS = {
  trainer: 'sdt',
  microBatch: 8,
  batches: 'fresh',
  swaps: 0,
} as const;

/** @throws {@link InvalidArgumentError} for the first setting that is out of its range */
export function assertTrainingConfig(config: TrainingConfig): void {
  const check = (name: keyof TrainingConfig, ok: boolean, expected: string): void =>
    assertArgument({ [name]: config[name] }, expected, ok);
  const count = (value: number) => Number.isSafeInteger(value) && value >= 1;
  const positive = (value: number) => Number.isFinite(value) && value > 0;
  check('seed', Number.isSafeInteger(config.seed) && config.seed >= 0, 'an integer in [0, 2^53)');
  check('batchSize', count(config.batchSize), 'an integer of at least 1');
  const { microBatch = SETTING_DEFAULTS.microBatch } = config;
  check('microBatch', count(microBatch), 'an integer of at least 1');
  check('iterations', count(config.iterations), 'an integer of at least 1');
  check('learningRate', positive(config.learningRate), 'a positive number');
  check('finalLearningRate', positive(config.finalLearningRate), 'a positive number');
  check('beta', Number.isFinite(config.beta) && config.beta >= 0, 'a number of at least 0');
  const { targetSpeedup = 2 } = config;
  check('targetSpeedup', Number.isFinite(targetSpeedup) && targetSpeedup > 1, 'a number above 1');
  check('refreshEvery', count(config.refreshEvery), 'an integer of at least 1');
  check('refreshShare', config.refreshShare > 0 && config.refreshShare <= 1, 'a number in (0, 1]');
  const proxies = proxyNames();
  check('proxy', proxies.includes(config.proxy), `one of ${proxies.join(', ')}`);
  const predictors = [...predictorNames(), 'per-step'];
  check('predictor', predictors.includes(config.predictor), `one of ${predictors.join(', ')}`);
  check('threshold', config.threshold > 0 && config.threshold < 1, 'a number in (0, 1)');
  check('hardFinish', config.hardFinish >= 0 && config.hardFinish <= 1, 'a number in [0, 1]');
  const { trainer = 'sdt', batches = 'fresh', swaps = SETTING_DEFAULTS.swaps } = config;
  check('swaps', Number.isSafeInteger(swaps) && swaps >= 0, 'an integer of at least 0');
  check('swaps', swaps === 0 || config.granularity === 'step', '0 unless granularity is step');
  check('trainer', ['sdt', 'l2c'].includes(trainer), 'sdt or l2c');
  check('batches', ['fresh', 'repeated'].includes(batches), 'fresh or repeated');
  if (trainer === 'sdt') return;
  check('predictor', config.predictor === 'hold', 'hold, which is all that l2c can train');
  check('targetSpeedup', config.targetSpeedup === undefined, 'no target: beta decides with l2c');
  check('threshold', config.threshold < 0.99, 'a number below the score of full steps, 0.993');
}

/** Learning rate of update `iteration` (from 0): half a cosine from `learningRate` to `finalLearningRate`. */
export function learningRateAt(config: TrainingConfig, iteration: number): number {
  const { learningRate, finalLearningRate, iterations } = config;
  const progress = Math.min(1, iteration / iterations);
  const share = (1 + Math.cos(Math.PI * progress)) / 2;
  return finalLearningRate + (learningRate - finalLearningRate) * share;
}

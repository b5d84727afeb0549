import {
  add,
  clipByValue,
  dispose,
  exp,
  keep,
  mul,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { assertArgument } from './checks.js';
import { applyThreshold } from './dynamic-threshold.js';
import { NonFiniteError, ShapeError, throwIfAborted } from './errors.js';
import { channelRange, linearCombination, type Term } from './linear-combination.js';
import type { NoiseSource } from './noise.js';
import type { PlanStep, SamplerPlan, StepNoise } from './sampler-plan.js';

/** Which step of a plan is run. `index` 0 is the first, noisiest step. */
export interface StepInfo {
  readonly index: number;
  readonly steps: number;
  readonly timestep: number;
}

/**
 * The model as a sampler sees it: latent `[batch, height, width, channels]` in, model output with at least as many
 * channels out. The latent is borrowed; the executor of the plan disposes the output.
 */
export type Denoiser = (latent: Tensor4D, step: StepInfo) => Promise<Tensor4D>;

/** What `onStep` gets. `latent` is the latent after the step, borrowed for the duration of the call. */
export interface StepEvent extends StepInfo {
  readonly latent: Tensor4D;
}

/** Options of {@link executePlan}. */
export interface ExecutePlanOptions {
  readonly plan: SamplerPlan;
  readonly denoise: Denoiser;
  /** Starting latent, already scaled by `plan.initialStd`. Not disposed. */
  readonly latent: Tensor4D;
  /** Needed by plans that add noise. */
  readonly noise?: NoiseSource;
  /** Called after each step. */
  readonly onStep?: (event: StepEvent) => void | Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** Where a run stands between two steps. */
export interface PlanState {
  readonly latent: Tensor4D;
  /** Predictions of the latest steps, most recent first, as far back as a later step reads. */
  readonly predictions: readonly Tensor4D[];
}

/**
 * Runs a sampler plan: `p = toPrediction.x * x + toPrediction.model * m`, then
 * `x' = carry * x + sum_j history[j] * p[n - j] + noise`, for every step.
 *
 * @returns the final latent; the caller disposes it
 * @throws {@link NonFiniteError} as soon as a latent holds NaN or infinity
 * @throws {@link AbortedError} between steps, if `signal` is aborted
 */
export async function executePlan(options: ExecutePlanOptions): Promise<Tensor4D> {
  const { plan, denoise, noise, onStep, signal } = options;
  let state: PlanState = { latent: options.latent.clone(), predictions: [] };
  try {
    for (const [index, { timestep }] of plan.steps.entries()) {
      throwIfAborted(signal, 'Sampling');
      const info = { index, steps: plan.steps.length, timestep };
      const output = await denoise(state.latent, info);
      const next = freeing(output, () =>
        advancePlan({ plan, index, state, output, ...(noise && { noise }) }),
      );
      disposePlanState(state);
      state = next;
      await assertFinite(state.latent, index);
      await onStep?.({ ...info, latent: state.latent });
    }
    return state.latent.clone();
  } finally {
    disposePlanState(state);
  }
}

/** Options of {@link advancePlan}. */
export interface AdvancePlanOptions {
  readonly plan: SamplerPlan;
  /** The step to take. */
  readonly index: number;
  /** Not disposed, so that several continuations can start from it. */
  readonly state: PlanState;
  /** Model output for `state.latent` at this step. Not disposed. */
  readonly output: Tensor4D;
  /** Needed by steps that add noise. */
  readonly noise?: NoiseSource;
}

/**
 * Takes one step of a plan.
 *
 * @returns a state with tensors of its own; free it with {@link disposePlanState}
 * @throws {@link ShapeError} if the output does not fit the latent
 */
export function advancePlan(options: AdvancePlanOptions): PlanState {
  const { plan, index, state, output, noise } = options;
  const step = plan.steps[index] as PlanStep;
  const depth = historyDepth(plan, index);
  let next: PlanState | undefined;
  tidy(() => {
    const { latent, prediction } = applyStep({
      step,
      latent: state.latent,
      output,
      predictions: state.predictions,
      drawn: drawNoise(plan, index, noise),
      drawnEarlier: drawEarlierNoise(plan, index, noise),
    });
    const older = state.predictions.slice(0, depth - 1).map((p) => keep(p.clone()));
    next = { latent: keep(latent), predictions: [keep(prediction.clone()), ...older] };
  });
  return next as PlanState;
}

/** Frees the tensors of a state. */
export function disposePlanState({ latent, predictions }: PlanState): void {
  dispose([latent, ...predictions]);
}

function drawNoise(plan: SamplerPlan, index: number, noise?: NoiseSource): Tensor4D | undefined {
  if (!addsNoise((plan.steps[index] as PlanStep).noise)) return undefined;
  return sourceOf(plan, noise).step(index);
}

/** What the step adds of the draws of earlier steps, already scaled. */
function drawEarlierNoise(plan: SamplerPlan, index: number, noise?: NoiseSource): Tensor4D[] {
  const step = plan.steps[index] as PlanStep;
  const factors = (step.noise.kind === 'fixed' && step.noise.earlier) || [];
  return factors.flatMap((factor, j) =>
    factor === 0 ? [] : [mul(sourceOf(plan, noise).step(index - 1 - j), factor) as Tensor4D],
  );
}

function sourceOf(plan: SamplerPlan, noise: NoiseSource | undefined): NoiseSource {
  assertArgument({ noise }, `a noise source, because the ${plan.sampler} plan adds noise`, noise);
  return noise;
}

function freeing<T>(tensor: Tensor4D, use: () => T): T {
  try {
    return use();
  } finally {
    tensor.dispose();
  }
}

interface ApplyStepInput {
  readonly step: PlanStep;
  readonly latent: Tensor4D;
  readonly output: Tensor4D;
  readonly predictions: readonly Tensor4D[];
  readonly drawn: Tensor4D | undefined;
  readonly drawnEarlier: readonly Tensor4D[];
}

function applyStep(input: ApplyStepInput) {
  const { step, latent, output, predictions, drawn, drawnEarlier } = input;
  const [batch, height, width, channels] = latent.shape;
  const [outputBatch, , , outputChannels] = output.shape;
  if (outputBatch !== batch || outputChannels < channels) {
    throw new ShapeError({
      tensor: 'model output',
      actual: output.shape,
      expected: [batch, height, width, channels],
    });
  }
  const model = channelRange(output, 0, channels);
  const raw = linearCombination([step.toPrediction.x, latent], [step.toPrediction.model, model]);
  const prediction = limit(step, raw);
  const known = step.history.flatMap((factor, j): Term[] => {
    const p = j === 0 ? prediction : predictions[j - 1];
    return p && factor !== 0 ? [[factor, p]] : [];
  });
  let next = linearCombination([step.carry, latent], ...known);
  if (drawn) next = add(next, mul(drawn, noiseStd(step.noise, output, channels)));
  for (const term of drawnEarlier) next = add(next, term);
  return { latent: next, prediction };
}

function limit({ clip, threshold }: PlanStep, prediction: Tensor4D): Tensor4D {
  if (threshold) return applyThreshold(prediction, threshold);
  return clip ? clipByValue(prediction, clip.min, clip.max) : prediction;
}

function noiseStd(noise: StepNoise, output: Tensor4D, channels: number): Tensor4D | number {
  if (noise.kind === 'fixed') return noise.std;
  const [batch, height, width, outputChannels] = output.shape;
  if (outputChannels < 2 * channels) {
    throw new ShapeError({
      tensor: 'model output',
      actual: output.shape,
      expected: [batch, height, width, 2 * channels],
      fix: 'A learned-range variance needs a model that predicts it.',
    });
  }
  const v = channelRange(output, channels, channels);
  const { minLogVariance: low, maxLogVariance: high, scale } = noise;
  // log variance = low + (v + 1) / 2 * (high - low); half of it is the log standard deviation.
  const logStd = add(mul(v, (high - low) / 4), (high + low) / 4);
  return mul(exp(logStd), scale) as Tensor4D;
}

function addsNoise(noise: StepNoise): boolean {
  return noise.kind === 'fixed' ? noise.std !== 0 : noise.scale !== 0;
}

/** How many predictions, the one just made included, a later step still reads. */
function historyDepth(plan: SamplerPlan, index: number): number {
  let depth = 1;
  for (let later = index + 1; later < plan.steps.length; later++) {
    const reach = (plan.steps[later]?.history.length ?? 0) - (later - index);
    depth = Math.max(depth, reach);
  }
  return depth;
}

async function assertFinite(latent: Tensor4D, step: number): Promise<void> {
  const values = await latent.data();
  for (const value of values) {
    if (!Number.isFinite(value)) throw new NonFiniteError({ site: 'latent', step });
  }
}

import {
  abs,
  add,
  clipByValue,
  dispose,
  div,
  exp,
  keep,
  maximum,
  minimum,
  mul,
  neg,
  reshape,
  slice,
  type Tensor2D,
  type Tensor4D,
  tidy,
  topk,
} from '@tensorflow/tfjs-core';
import { assertArgument } from './checks.js';
import { NonFiniteError, ShapeError, throwIfAborted } from './errors.js';
import { channelRange, linearCombination, type Term } from './linear-combination.js';
import type { NoiseSource } from './noise.js';
import type { DynamicThreshold, PlanStep, SamplerPlan, StepNoise } from './sampler-plan.js';

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
  readonly noise?: NoiseSource | undefined;
  /** Called after each step. */
  readonly onStep?: ((event: StepEvent) => void | Promise<void>) | undefined;
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
      const next = freeing(output, () => advancePlan({ plan, index, state, output, noise }));
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
  readonly noise?: NoiseSource | undefined;
}

/**
 * Takes one step of a plan.
 *
 * @returns a state with tensors of its own; free it with {@link disposePlanState}
 * @throws {@link ShapeError} if the output does not fit the latent
 */
export function advancePlan(options: AdvancePlanOptions): PlanState {
  const { plan, index, state } = options;
  const depth = historyDepth(plan, index);
  let next: PlanState | undefined;
  tidy(() => {
    const { latent, prediction } = applyStep(options);
    const older = state.predictions.slice(0, depth - 1).map((p) => keep(p.clone()));
    next = { latent: keep(latent), predictions: [keep(prediction.clone()), ...older] };
  });
  return next as PlanState;
}

/** Frees the tensors of a state. */
export function disposePlanState({ latent, predictions }: PlanState): void {
  dispose([latent, ...predictions]);
}

function freeing<T>(tensor: Tensor4D, use: () => T): T {
  try {
    return use();
  } finally {
    tensor.dispose();
  }
}

function applyStep(options: AdvancePlanOptions) {
  const { plan, index, output } = options;
  const { latent, predictions } = options.state;
  const step = plan.steps[index] as PlanStep;
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
  const moved = linearCombination([step.carry, latent], ...known);
  const next = noiseOf(options).reduce((sum, term) => add<Tensor4D>(sum, term), moved);
  return { latent: next, prediction };
}

/** What a step adds: its own draw of noise, then what it takes of those of earlier steps, the latest first. */
function noiseOf({ plan, index, state, output, noise: source }: AdvancePlanOptions): Tensor4D[] {
  const { noise } = plan.steps[index] as PlanStep;
  const draw = (step: number): Tensor4D => {
    const expected = `a noise source, because the ${plan.sampler} plan adds noise`;
    assertArgument({ noise: source }, expected, source);
    return source.step(step);
  };
  const std = () => noiseStd(noise, output, state.latent.shape[3]);
  const own = addsNoise(noise) ? [mul<Tensor4D>(draw(index), std())] : [];
  const factors = (noise.kind === 'fixed' && noise.earlier) || [];
  const earlier = factors.flatMap((factor, j) =>
    factor === 0 ? [] : [mul<Tensor4D>(draw(index - 1 - j), factor)],
  );
  return [...own, ...earlier];
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

/**
 * Dynamic thresholding (Imagen 2022, Section 2.3), with the quantile interpolated linearly between the two nearest values.
 *
 * @param prediction `[batch, height, width, channels]`, not disposed
 * @returns the same shape; call it inside a `tf.tidy`
 */
function applyThreshold(prediction: Tensor4D, threshold: DynamicThreshold): Tensor4D {
  const [batch, ...size] = prediction.shape;
  const values: Tensor2D = reshape(abs(prediction), [batch, size[0] * size[1] * size[2]]);
  const quantile = rowQuantile(values, threshold.ratio);
  const bound = reshape(clipByValue(quantile, 1, threshold.max), [batch, 1, 1, 1]);
  return div(minimum(maximum(prediction, neg(bound)), bound), bound);
}

/** `[batch, count]` to `[batch, 1]`. */
function rowQuantile(values: Tensor2D, ratio: number): Tensor2D {
  const [batch, count] = values.shape;
  const position = ratio * (count - 1);
  const below = Math.floor(position);
  const share = position - below;
  // Descending: the last of them is the value at `below`, the one before it its upper neighbour.
  const largest = topk(values, count - below).values as Tensor2D;
  const low = slice(largest, [0, count - below - 1], [batch, 1]);
  if (share === 0) return low;
  const high = slice(largest, [0, count - below - 2], [batch, 1]);
  return add(mul(low, 1 - share), mul(high, share));
}

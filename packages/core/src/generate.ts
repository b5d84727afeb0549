import { concat, dispose, mul, type Tensor, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { NamedTensors } from './backbone.js';
import { assertShape } from './checks.js';
import {
  assertCondition,
  assertConditionValues,
  assertUnconditional,
  doubleCondition,
} from './condition.js';
import { type Denoiser, executePlan, type StepEvent } from './execute-plan.js';
import {
  type BranchRunner,
  type CacheMethod,
  computeAll,
  type Decisions,
  type Executor,
  type StreamHandle,
} from './executor.js';
import { type Guidance, guidedHalf } from './guidance.js';
import { createNoise } from './noise.js';
import { assertPlanFits, type SamplerPlan } from './sampler-plan.js';

/** Options of {@link generate}. */
export interface GenerateOptions {
  readonly plan: SamplerPlan;
  readonly executor: Executor;
  /** One row per image, for every input in `executor.spec.condition`. Not disposed. */
  readonly condition: NamedTensors;
  /** One seed per image: the same seed gives the same noise in any batch and on any engine. */
  readonly seeds: readonly number[];
  /** Without it only the conditional model runs. */
  readonly guidance?: Guidance;
  /** How branches are run. Default: all are computed. */
  readonly cache?: CacheMethod;
  /** Called after each step. */
  readonly onStep?: (event: StepEvent) => void | Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** The latents of {@link generate}, and what was computed for them. */
export interface GenerateResult {
  /** `[batch, height, width, channels]`; the caller disposes it. */
  readonly latent: Tensor4D;
  /** Per step and branch: computed (true) or predicted (false). */
  readonly decisions: readonly Decisions[];
}

/**
 * Samples latents: plan -> executor -> backbone, with a cache method deciding which branches are computed.
 *
 * @throws {@link IncompatibleError} if the plan is for models of another kind
 * @throws {@link InvalidArgumentError} if a condition is missing, unknown or out of range, such as a label that is no class
 * @throws {@link NonFiniteError}, {@link AbortedError} as {@link executePlan} does
 */
export async function generate(options: GenerateOptions): Promise<GenerateResult> {
  const { plan, executor, condition, seeds, guidance, cache = computeAll } = options;
  const { spec } = executor;
  assertPlanFits({ plan, spec });
  assertCondition(spec, condition, seeds.length);
  if (guidance?.unconditional) assertUnconditional(spec, guidance.unconditional, seeds.length);

  // A cache method may refuse the run, so it comes before anything that has to be freed.
  const runner = cache(executor, plan.steps.length);
  const noise = createNoise({ seeds, latent: spec.latent });
  const latent = tidy(() => mul(noise.initial(), plan.initialStd) as Tensor4D);
  const inputs = guidance ? doubleCondition(spec, condition, guidance.unconditional) : condition;
  try {
    const denoise = createDenoiser({ executor, runner, condition: inputs, guidance });
    const { onStep, signal } = options;
    const sampled = await executePlan({ plan, denoise, latent, noise, onStep, signal });
    return { latent: sampled, decisions: runner.decisions };
  } finally {
    runner.dispose();
    latent.dispose();
    if (guidance) dispose(inputs as Record<string, Tensor>);
  }
}

/** Options of {@link createDenoiser}. */
export interface DenoiserOptions {
  readonly executor: Executor;
  readonly runner: BranchRunner;
  /** With guidance: of twice the batch, as {@link doubleCondition} makes it. */
  readonly condition: NamedTensors;
  readonly guidance?: Guidance | undefined;
}

/** The model as a sampler sees it: guided, with its branches run by `runner`. */
export function createDenoiser(options: DenoiserOptions): Denoiser {
  const { executor, runner, condition, guidance } = options;
  const { height, width, channels } = executor.spec.latent;
  return async (latent, { index, timestep: time }) => {
    assertShape({ latent }, [latent.shape[0], height, width, channels]);
    await assertConditionValues(executor.spec, condition);
    const both = guidance ? concat([latent, latent], 0) : latent;
    try {
      const begun = await executor.begin({ latent: both, time, condition });
      const output = await endOf(executor, await runner.run(index, begun));
      if (!guidance) return output;
      try {
        return guidedHalf({ output, ...guidance });
      } finally {
        output.dispose();
      }
    } finally {
      if (guidance) both.dispose();
    }
  };
}

async function endOf(executor: Executor, stream: StreamHandle): Promise<Tensor4D> {
  try {
    return await executor.end(stream);
  } finally {
    executor.release(stream);
  }
}

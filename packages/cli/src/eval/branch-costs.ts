import { createNoise, doubleCondition, type Guidance, type NamedTensors } from '@harmonica/core';
import { type CostModel, measureCostModel } from '@harmonica/router';
import { concat, dispose, type Tensor, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { Session } from '../session.js';
import type { EvalContext, EvalRow } from './eval-rows.js';

/** Options of {@link measureBranchCosts}. */
export interface MeasureBranchCostsOptions {
  readonly evaluation: EvalContext;
  /** Its middle step is measured. */
  readonly uncached: EvalRow;
  /** Images of a batch. */
  readonly images: number;
  readonly signal: AbortSignal;
}

/** How long each branch takes for a batch on this machine. */
export async function measureBranchCosts(options: MeasureBranchCostsOptions): Promise<CostModel> {
  const { evaluation, uncached, images, signal } = options;
  const { session, guidance, jobs } = evaluation;
  const { executor } = session;
  const { steps } = uncached.plan;
  const middle = steps[steps.length >> 1] as (typeof steps)[number];
  const batch = Array.from({ length: images }, (_, i) => jobs[i % jobs.length] as (typeof jobs)[0]);
  const noise = createNoise({
    seeds: batch.map(({ seed }) => seed),
    latent: executor.spec.latent,
  });
  const condition = conditionOf(
    session,
    batch.map(({ label }) => label),
    guidance,
  );
  const latent = tidy(() => {
    const single = noise.initial();
    return guidance ? (concat([single, single], 0) as Tensor4D) : single;
  });
  const input = { latent, time: middle.timestep, condition };
  try {
    return await measureCostModel({ executor, input, repeats: 3, signal });
  } finally {
    dispose([latent, condition] as unknown as Tensor[]);
  }
}

function conditionOf(
  { executor, model: { subjects } }: Session,
  labels: readonly number[],
  guidance: Guidance | undefined,
): NamedTensors {
  const condition = subjects.condition(labels);
  if (!guidance) return condition;
  const unconditional = subjects.unconditional?.(labels);
  const both = doubleCondition(executor.spec, condition, unconditional);
  dispose([condition, unconditional ?? {}] as unknown as Tensor[]);
  return both;
}

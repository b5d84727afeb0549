import { createRng } from '@harmonica/core';
import { type CostModel, measureCostModel } from '@harmonica/router';
import { type BatchPart, drawBatch } from '@harmonica/sdt';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import { trainingInputs } from '../training-inputs.js';
import type { EvalContext, EvalRow } from './eval-rows.js';

/** Options of {@link measureBranchCosts}. */
export interface MeasureBranchCostsOptions {
  readonly evaluation: EvalContext;
  /** Its middle step is measured. */
  readonly uncached: EvalRow;
  /** Images of a batch. */
  readonly images: number;
  readonly signal?: AbortSignal | undefined;
}

/** How long each branch takes for a batch on this machine. */
export async function measureBranchCosts(options: MeasureBranchCostsOptions): Promise<CostModel> {
  const { evaluation, uncached, images: size, signal } = options;
  const { session, guidance } = evaluation;
  const { executor, model } = session;
  const { plan } = uncached;
  const middle = plan.steps[plan.steps.length >> 1] as (typeof plan.steps)[number];
  const { dispose: disposeInputs, ...inputs } = trainingInputs({
    subjects: model.subjects,
    guidance,
    batchSize: size,
  });
  const rng = createRng({ seed: 0 });
  const batch = drawBatch({ rng, size, spec: executor.spec, plan, ...inputs });
  const { latent, condition } = batch[0] as BatchPart;
  const input = { latent, time: middle.timestep, condition };
  try {
    return await measureCostModel({ executor, input, repeats: 3, signal });
  } finally {
    dispose([latent, ...Object.values(condition)] as Tensor[]);
    disposeInputs();
  }
}

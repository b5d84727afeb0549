import type { BackboneSpec, CacheSchedule, PredictorName, SamplerPlan } from '@harmonica/core';
import { fixedIntervalSchedule, intervalStart } from '@harmonica/router';
import type { NamedDocument } from '../cache-document.js';
import { type CreatePlanOptions, createPlan } from '../sampler.js';

/** One way to sample that is held against the uncached run. */
export interface QualityRow {
  readonly name: string;
  readonly plan: SamplerPlan;
  /** Absent: every branch is computed. */
  readonly schedule?: CacheSchedule;
}

/** Options of {@link qualityRows}. */
export interface QualityRowsOptions {
  readonly spec: BackboneSpec;
  /** Of the uncached run and all cached ones. */
  readonly plan: SamplerPlan;
  /** What `plan` was made from; rows with fewer steps differ in those alone. */
  readonly sampler: CreatePlanOptions;
  /** Uncached runs with fewer steps. */
  readonly fewerSteps: readonly number[];
  /** Fixed intervals, each with every predictor. */
  readonly intervals: readonly number[];
  readonly predictors: readonly PredictorName[];
  readonly routers: readonly Pick<NamedDocument, 'name' | 'schedule'>[];
}

/** The uncached run first, then fewer steps, fixed intervals and routers. */
export function qualityRows(options: QualityRowsOptions): readonly QualityRow[] {
  const { spec, plan, sampler, fewerSteps, intervals, predictors, routers } = options;
  const steps = plan.steps.length;
  const uncached = [steps, ...fewerSteps].map((count) => ({
    name: `${plan.sampler}-${count}`,
    plan: count === steps ? plan : createPlan({ ...sampler, steps: String(count) }),
  }));
  const fixed = intervals.flatMap((interval) =>
    predictors.map((predictor) => ({
      name: `interval-${interval}-${predictor}`,
      plan,
      schedule: fixedIntervalSchedule({
        steps,
        branches: spec.branches,
        interval,
        predictor,
        ...intervalStart({ steps, predictor }),
      }),
    })),
  );
  return [
    ...uncached,
    ...fixed,
    ...routers.map(({ name, schedule }) => ({ name, plan, schedule })),
  ];
}

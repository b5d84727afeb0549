import type { Prediction, SamplerPlan } from '@harmonica/core';
import { assemblePlan, type PlanUpdate } from './assemble-plan.js';
import { convertPrediction } from './convert-prediction.js';
import { createFlowSigmas, describeFlowSigmas, type FlowSigmaOptions } from './flow-sigmas.js';
import { flowPoint, type NoisePoint } from './noise-point.js';
import { describeLimits, type PredictionLimits } from './prediction-limits.js';

/** Options of the samplers of flow matching's straight path `x = (1 - sigma) sample + sigma noise`. */
export type FlowPlanOptions = FlowSigmaOptions &
  PredictionLimits & {
    /** Noise levels that are visited, a positive integer. Not together with `sigmas`. */
    readonly steps?: number;
    /** What the model's output stands for. Default `'velocity'`, which is `noise - sample`. */
    readonly prediction?: Prediction;
  };

/** A model evaluation of a flow sampler: where it is made, and the update that follows. */
export interface FlowStage {
  readonly point: NoisePoint;
  readonly update: PlanUpdate;
}

/**
 * A plan from a flow sampler's stages. Predictions are samples, so that they can be limited.
 *
 * @param input.stages the stages for points from the noisiest to sigma 0, the last of which is not visited
 * @throws {@link InvalidArgumentError} if an option is outside its range
 */
export function createFlowPlan(input: {
  readonly sampler: string;
  readonly options: FlowPlanOptions;
  readonly settings: SamplerPlan['settings'];
  readonly stages: (path: readonly NoisePoint[]) => readonly FlowStage[];
}): SamplerPlan {
  const { sampler, options, settings, stages } = input;
  const { prediction = 'velocity', length = 1000 } = options;
  const sigmas = createFlowSigmas(options);
  const path = [...sigmas, 0].map((sigma) => flowPoint({ timestep: sigma * length, sigma }));
  return assemblePlan({
    sampler,
    prediction,
    process: 'flow',
    settings: {
      steps: sigmas.length,
      ...describeFlowSigmas(options),
      ...describeLimits(options),
      ...settings,
    },
    limits: options,
    rows: stages(path).map(({ point, update }) => ({
      timestep: point.timestep,
      toPrediction: convertPrediction({ from: prediction, to: 'sample', point }),
      ...update,
    })),
  });
}

import type {
  Executor,
  Guidance,
  NamedTensors,
  Provenance,
  Rng,
  RouterFile,
  SamplerPlan,
} from '@harmonica/core';
import type { ExchangedSteps } from '@harmonica/iepo';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { DrawCondition } from './draw-batch.js';
import type { TrainingConfig } from './training-config.js';
import type { TrainingState } from './training-state.js';

/** One router update, as it is reported. */
export interface TrainingProgress {
  /** Updates done, this one included. */
  readonly iteration: number;
  readonly iterations: number;
  /** Step of the plan that was trained. */
  readonly step: number;
  /** Mean squared error of the student's output, guided unless the trainer is Learning-to-Cache. */
  readonly error: number;
  /** `weight * error` and `beta * penalty`, and their sum. */
  readonly data: number;
  readonly penalty: number;
  readonly loss: number;
  readonly beta: number;
  /** `[T][N]`, after the update. */
  readonly logits: RouterFile['logits'];
}

/** A round of exchanges, as it is reported. */
export interface ExchangeProgress extends ExchangedSteps {
  /** Rounds done, this one included. */
  readonly round: number;
  /** At most. */
  readonly rounds: number;
}

/** Latents of real images with their conditions, one row of each tensor for an image. */
export interface LatentBatch {
  /** `[batch, height, width, channels]`, scaled as the model was trained on them. */
  readonly latent: Tensor4D;
  readonly condition: NamedTensors;
}

/** Draws latents of real images. The trainer disposes them. */
export type DrawLatents = (rng: Rng, batch: number) => LatentBatch;

export interface TrainRouterOptions {
  readonly executor: Executor;
  readonly plan: SamplerPlan;
  readonly config: TrainingConfig;
  /** Of the sampling that the router is for. Learning-to-Cache measures lambda with it and trains without. */
  readonly guidance?: Guidance;
  /** Recorded in the router and checked on resume; its `training` may say what images there are. */
  readonly provenance: Provenance;
  /** Default: uniform class labels. */
  readonly drawCondition?: DrawCondition;
  /** Needed by Learning-to-Cache alone. */
  readonly drawLatents?: DrawLatents;
  /** State to go on from, as `onTrajectory` gave it. */
  readonly resume?: TrainingState;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Called after each round of exchanges. */
  readonly onExchange?: (exchange: ExchangeProgress) => void;
  /** Called with a resumable state before the first trajectory, after each, and after each round of exchanges. */
  readonly onTrajectory?: (state: TrainingState) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

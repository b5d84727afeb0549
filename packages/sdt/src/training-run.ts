import {
  type Executor,
  type Guidance,
  type NamedTensors,
  type PredictorChoice,
  type Provenance,
  parseJson,
  type Rng,
  type RngState,
  type RouterFile,
  type SamplerPlan,
} from '@harmonica/core';
import { proxyNames, type SwappedSteps } from '@harmonica/iepo';
import { type CostModel, predictorNames } from '@harmonica/router';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { AdamWState } from './adamw.js';
import type { DrawCondition } from './draw-batch.js';
import type { TrainingConfig } from './training-config.js';

/** One router update, as it is reported. */
export interface TrainingProgress {
  /** Updates done, this one included. */
  readonly iteration: number;
  readonly iterations: number;
  /** Step of the plan that was trained. */
  readonly step: number;
  /** Mean squared error of the student's output, guided unless the trainer is Learning-to-Cache. */
  readonly error: number;
  /** `lossWeight * error` and `beta * penalty`, and their sum. */
  readonly data: number;
  readonly penalty: number;
  readonly loss: number;
  readonly beta: number;
  /** `[T][N]`, after the update. */
  readonly logits: RouterFile['logits'];
}

/** A round of swaps, as it is reported. */
export interface SwapProgress extends SwappedSteps {
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

/** Options of {@link trainRouter}. */
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
  /** Called after each iteration. */
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Called after each round of swaps. */
  readonly onSwap?: (swap: SwapProgress) => void;
  /** Called with a resumable state before the first trajectory, after each, and after each round of swaps. */
  readonly onTrajectory?: (state: TrainingState) => void | Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** What one trajectory, or as many pairs as it has, reported; kept for learning curves. */
export interface TrajectoryRecord {
  /** Updates done after it. */
  readonly iteration: number;
  /** Means over its updates. */
  readonly error: number;
  readonly data: number;
  readonly penalty: number;
  readonly beta: number;
  /** Of the schedule at the threshold in force. */
  readonly cacheUtilization: number;
  readonly speedUp: number;
}

/**
 * Everything a training run needs to go on, between two trajectories. Plain JSON: numbers survive a round trip bit for
 * bit, so a resumed run gives the router of a run that never stopped.
 */
export interface TrainingState {
  readonly version: 1;
  readonly kind: 'sdt-state';
  readonly config: TrainingConfig;
  readonly provenance: Provenance;
  /** Updates done. */
  readonly iteration: number;
  /** Updates done at the last refresh of lambda; -1 before the first. */
  readonly refreshedAt: number;
  readonly logits: readonly (readonly number[])[];
  /** In use; with `per-step` it is chosen anew at every refresh. */
  readonly predictor: PredictorChoice;
  /** One for each step. */
  readonly optimizer: readonly AdamWState[];
  readonly rng: RngState;
  readonly beta: number;
  /** Loss weight of each step. */
  readonly lossWeights: readonly number[];
  /** lambda(t) of the last refresh, averaged as configured. */
  readonly lambda: readonly number[];
  readonly records: readonly TrajectoryRecord[];
  /** Measured before the first update, with costs `ms`. */
  readonly costs?: CostModel | undefined;
  /** Rounds of swaps done, and whether the last found nothing better. Absent: none. */
  readonly swaps?: { readonly rounds: number; readonly ended: boolean } | undefined;
  /** Real images drawn so far, counting every time one is drawn. Absent: none. */
  readonly images?: number | undefined;
}

/** Parses a training state. @throws {@link ConfigError} */
export function parseTrainingState(text: string, source = 'training state'): TrainingState {
  return parseJson({ source, text, schema: trainingStateSchema() }) as unknown as TrainingState;
}

/** Fields that had other names in the files of earlier versions. */
const OLD_NAMES: Readonly<Record<string, string>> = { exchanges: 'swaps', weights: 'lossWeights' };

/** A state or its config, as it was read, by the names that its fields have now. */
function withNewNames(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [
    OLD_NAMES[name] ?? name,
    name === 'config' ? withNewNames(field) : field,
  ]);
  return Object.fromEntries(fields);
}

function trainingStateSchema() {
  const numbers = z.array(z.number());
  const rows = z.array(numbers);
  const predictorName = z.enum(predictorNames());
  const state = z
    .object({
      version: z.literal(1),
      kind: z.literal('sdt-state'),
      config: z.looseObject({
        seed: z.number(),
        batchSize: z.number(),
        iterations: z.number(),
        predictor: z.enum([...predictorNames(), 'per-step']),
        proxy: z.enum(proxyNames()),
      }),
      provenance: z.looseObject({
        model: z.object({ name: z.string(), sha256: z.string() }),
        sampler: z.object({ name: z.string(), steps: z.number(), planSha256: z.string() }),
      }),
      iteration: z.number().int().nonnegative(),
      refreshedAt: z.number().int(),
      logits: rows,
      predictor: z.union([predictorName, z.array(predictorName)]),
      optimizer: z.array(
        z.object({
          count: z.number().int().nonnegative(),
          firstMoment: numbers,
          secondMoment: numbers,
        }),
      ),
      rng: z.object({ seed: z.number(), stream: z.number(), block: z.number() }),
      beta: z.number().nonnegative(),
      lossWeights: numbers,
      lambda: numbers,
      records: z.array(z.looseObject({ iteration: z.number() })),
      costs: z
        .object({
          unit: z.literal('ms'),
          begin: z.number(),
          branches: numbers,
          predict: z.number(),
          end: z.number(),
        })
        .optional(),
      swaps: z.object({ rounds: z.number().int().nonnegative(), ended: z.boolean() }).optional(),
      images: z.number().int().nonnegative().optional(),
    })
    .superRefine(({ logits, optimizer, lossWeights, lambda }, context) => {
      for (const [path, actual] of Object.entries({ optimizer, lossWeights, lambda })) {
        if (actual.length === logits.length) continue;
        const message = `expected ${logits.length} entries, got ${actual.length}`;
        context.addIssue({ code: 'custom', path: [path], message });
      }
    });
  return z.preprocess(withNewNames, state);
}

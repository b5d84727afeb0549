import type { Guidance } from '@harmonica/core';
import type { DrawCondition } from '@harmonica/sdt';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import type { RunSetting } from './run-setting.js';
import type { Subjects } from './subjects.js';

/** Options of {@link trainingInputs}. */
export interface TrainingInputsOptions {
  readonly subjects: Subjects;
  readonly guidance?: RunSetting['guidance'] | undefined;
  readonly batchSize: number;
}

/** What a trainer draws its batches from. */
export interface TrainingInputs {
  readonly drawCondition: DrawCondition;
  readonly guidance?: Guidance;
  /** Frees the unconditional half. */
  dispose(): void;
}

/**
 * Conditions of training: subjects with equal chances. The unconditional half, where it is one of its own, takes all
 * subjects in turn.
 */
export function trainingInputs(options: TrainingInputsOptions): TrainingInputs {
  const { subjects, guidance, batchSize } = options;
  const turns = Array.from({ length: batchSize }, (_, i) => i % subjects.count);
  const unconditional = guidance && subjects.unconditional?.(turns);
  return {
    drawCondition: (rng, size) =>
      subjects.condition(Array.from({ length: size }, () => rng.integer(subjects.count))),
    ...(guidance && { guidance: { ...guidance, ...(unconditional && { unconditional }) } }),
    dispose: () => {
      dispose((unconditional ?? {}) as Record<string, Tensor>);
    },
  };
}

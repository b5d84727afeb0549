import type { TrainingStepResult } from './training-step.js';

/** What a step taught. */
export type StepErrors = Pick<TrainingStepResult, 'error' | 'scoreGradients'>;

/** What a step taught on some images. */
export interface PartErrors extends StepErrors {
  readonly images: number;
}

/** Means over the images of all parts: what the step would have taught on all of them at once. */
export function meanStep(parts: readonly PartErrors[]): StepErrors {
  const images = parts.reduce((sum, part) => sum + part.images, 0);
  const mean = (of: (part: PartErrors) => number): number =>
    parts.reduce((sum, part) => sum + (part.images / images) * of(part), 0);
  const branches = parts[0]?.scoreGradients ?? [];
  return {
    error: mean(({ error }) => error),
    scoreGradients: branches.map((_, k) => mean((part) => part.scoreGradients[k] as number)),
  };
}

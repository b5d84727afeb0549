import type { RowQuality } from './quality.js';
import type { PolicyFile } from './rows.js';
import type { RowLatency, RowSavings } from './speed.js';

/** One row of an evaluation: a way to sample, and how it did. */
export interface EvalResult {
  readonly group: string;
  readonly name: string;
  readonly method: string;
  /** Whether this is the run that the others of the group are held against. */
  readonly isUncached: boolean;
  /** Everything that its latents depend on. */
  readonly key: string;
  /** `planFingerprint`. */
  readonly planSha256: string;
  /** What the policy was read from. */
  readonly policyFiles: readonly PolicyFile[];
  readonly sampler: string;
  readonly steps: number;
  readonly images: number;
  readonly savings: RowSavings;
  readonly quality: RowQuality;
  readonly latency: RowLatency | null;
  /** What a knob was tuned to. */
  readonly tuned: TunedTo | null;
}

/** The outcome of a search for a speed-up. */
export interface TunedTo {
  readonly setting: string;
  readonly value: number;
  readonly target: number;
}

/** A row that there is not, because no value of its knob comes near a speed-up. */
export interface MissedTarget {
  readonly group: string;
  readonly method: string;
  readonly setting: string;
  readonly target: number;
  /** The nearest value, and its speed-up. */
  readonly value: number;
  readonly speedUp: number;
}

/** All rows of an evaluation, with what stands beside them. */
export interface EvalOutcome {
  readonly model: string;
  /** Classifier-free guidance scale; 1 is none. */
  readonly guidance: number;
  /** What made features, such as `nsfwjs Inception`; null if none were made. */
  readonly extractor: string | null;
  /** What distributions are compared with. */
  readonly reference: string | null;
  /** The run of many steps that images are compared with one by one. */
  readonly target: string | null;
  readonly results: readonly EvalResult[];
  readonly missed: readonly MissedTarget[];
}

/** The speed-up that a row is ordered by: measured, else by MACs. */
export function speedUpOf({ latency, savings }: EvalResult): number {
  return latency?.speedUp.median ?? savings.theoreticalSpeedUp;
}

import { planFingerprint, type SamplerPlan } from '@harmonica/core';
import type { SampleSummary } from '@harmonica/metrics';
import type { ReadyPolicy } from '@harmonica/router';

/** A way to sample, from its configuration to its line in a table: each stage of an evaluation fills in what it finds. */
export interface EvalRow {
  /** The name of its group. */
  readonly group: string;
  readonly name: string;
  /** What a curve connects. */
  readonly method: string;
  readonly plan: SamplerPlan;
  readonly policy: ReadyPolicy;
  /** The files that the policy was read from. */
  readonly policyFiles: readonly PolicyFile[];
  /** Everything that its latents depend on. */
  readonly key: string;
  /** Everything that its images depend on: the same, and what decodes. */
  readonly imagesKey: string;
  /** The run of its group in which everything is computed; absent from that run itself. */
  readonly uncached?: EvalRow | undefined;
  /** A run of many steps that its images are compared with one by one, if there is one. */
  readonly target?: EvalRow | undefined;
  /** What its knob was tuned to, if it has one. */
  readonly tuned?: TunedTo | undefined;
  /** Once it is timed, if it is. */
  readonly latency?: RowLatency | undefined;
  /** Once its images are scored. */
  readonly quality?: RowQuality | undefined;
  /** Once it is sampled: `[T][N]`, the fraction of images for which a branch was computed. */
  readonly computed?: readonly (readonly number[])[] | undefined;
  /** Once it is sampled. */
  readonly savings?: RowSavings | undefined;
}

/** A row of an evaluation that is done. */
export type FinishedRow = EvalRow & {
  readonly [Field in 'quality' | 'computed' | 'savings']: NonNullable<EvalRow[Field]>;
};

/** How good the images of a row are. What was not asked for, or has no meaning for the row, is null. */
export interface RowQuality {
  /** Mean in dB over the images that differ; null if none does. */
  readonly psnrToUncached: number | null;
  readonly ssimToUncached: number | null;
  readonly psnrToTarget: number | null;
  readonly ssimToTarget: number | null;
  /** Relative to the norm of the uncached images' features. */
  readonly featureDistance: number | null;
  readonly fid: number | null;
  readonly sfid: number | null;
  readonly inceptionScore: number | null;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly kid: number | null;
}

/** How long a batch of a row takes. */
export interface RowLatency {
  readonly images: number;
  /** Wall time of a batch in ms. */
  readonly ms: SampleSummary;
  /** Time of the uncached run over that of the row, round by round. */
  readonly speedUp: SampleSummary;
}

/** What a row's caching saves. */
export interface RowSavings {
  /** Fraction of branch calls that are predicted (CUR), in [0, 1]; mean over the images. */
  readonly cacheUtilization: number;
  /** By MACs, against the uncached run of the group. */
  readonly theoreticalSpeedUp: number;
}

/** A router, schedule or calibration as the policy names it, and the SHA-256 of its content. */
export interface PolicyFile {
  readonly file: string;
  readonly sha256: string;
}

/** The outcome of a search for a speed-up. */
export interface TunedTo {
  readonly setting: string;
  readonly value: number;
  /** The speed-up that was asked for. */
  readonly target: number;
}

/** A row that there is not, because no value of its knob comes near a speed-up. */
export interface MissedTarget extends TunedTo {
  readonly group: string;
  readonly method: string;
  /** Of the nearest value. */
  readonly speedUp: number;
}

/** All rows of an evaluation, with what stands beside them. */
export interface EvalOutcome {
  readonly model: string;
  /** Classifier-free guidance scale; 1 is none. */
  readonly guidance: number;
  /** Of every row. */
  readonly images: number;
  /** What made features, such as `nsfwjs Inception`; null if none were made. */
  readonly extractor: string | null;
  /** What distributions are compared with. */
  readonly reference: string | null;
  /** The run of many steps that images are compared with one by one. */
  readonly target: string | null;
  /** Group by group, the uncached run first. */
  readonly rows: readonly FinishedRow[];
  readonly missed: readonly MissedTarget[];
}

/** What `results.jsonl` has of a row: plain JSON. */
export function rowRecord(row: FinishedRow, images: number) {
  const { group, name, method, key, policyFiles, plan, uncached } = row;
  return {
    group,
    name,
    method,
    isUncached: uncached === undefined,
    key,
    planSha256: planFingerprint(plan),
    policyFiles,
    sampler: plan.sampler,
    steps: plan.steps.length,
    images,
    savings: row.savings,
    quality: row.quality,
    latency: row.latency ?? null,
    tuned: row.tuned ?? null,
  };
}

/** A row as a line of `results.jsonl` has it. */
export type RowRecord = ReturnType<typeof rowRecord>;

/** The speed-up that a row is ordered by: measured, else by MACs. */
export function speedUpOf({ latency, savings }: FinishedRow): number {
  return latency?.speedUp.median ?? savings.theoreticalSpeedUp;
}

/** Rows by their groups, both in their order. */
export function groupsOf<Row extends EvalRow>(
  rows: readonly Row[],
): readonly { readonly name: string; readonly rows: readonly Row[] }[] {
  const names = [...new Set(rows.map(({ group }) => group))];
  return names.map((name) => ({ name, rows: rows.filter(({ group }) => group === name) }));
}

/** The run that a row is held against: for an uncached one, itself. */
export function uncachedOf(row: EvalRow): EvalRow {
  return row.uncached ?? row;
}

/** Rows without those that sample the same as one before. */
export function distinctRows(rows: readonly EvalRow[]): readonly EvalRow[] {
  const first = new Map<string, EvalRow>();
  for (const row of rows) if (!first.has(row.key)) first.set(row.key, row);
  return [...first.values()];
}

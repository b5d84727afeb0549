import {
  InvalidArgumentError,
  type Provenance,
  parseJson,
  provenanceSchema,
} from '@harmonica/core';
import { z } from 'zod';
import { readableJson } from '../schedule/readable-json.js';
import type { PolynomialFit } from './fit-polynomial.js';

/** What uncached runs of one model and plan told a caching method. A document of its own. */
export type Calibration = TeaCacheCalibration | SmoothCacheCalibration | MagCacheCalibration;

interface CalibrationOf<Method extends string> {
  readonly version: 1;
  readonly kind: 'calibration';
  readonly method: Method;
  /** Sampling steps T. */
  readonly steps: number;
  /** Branches N. */
  readonly branches: number;
  /** How many runs, that is batches, were recorded. */
  readonly runs: number;
  readonly provenance: Provenance;
}

/** For `teaCachePolicy`. */
export interface TeaCacheCalibration extends CalibrationOf<'teacache'>, PolynomialFit {}

/** For `smoothCacheSchedule`. */
export interface SmoothCacheCalibration extends CalibrationOf<'smoothcache'>, RecordedChanges {}

/** For `magCacheSchedule`. */
export interface MagCacheCalibration extends CalibrationOf<'magcache'>, RecordedMagnitudes {}

/** The methods that are calibrated. */
export const CALIBRATION_METHODS = ['teacache', 'smoothcache', 'magcache'] as const;

/** Parses a calibration. @throws {@link ConfigError} */
export function parseCalibration(text: string, source = 'calibration'): Calibration {
  return parseJson({ source, text, schema: calibrationSchema() });
}

/** A calibration as JSON for people and version control, a line a step. Ends with a line break. */
export function formatCalibration(calibration: Calibration): string {
  const { version, kind, method, steps, branches, runs, provenance, ...found } = calibration;
  const document = { version, kind, method, steps, branches, runs, ...found, provenance };
  return `${readableJson(document)}\n`;
}

function calibrationSchema() {
  const count = z.number().int().positive();
  const row = z.array(z.number());
  const rows = z.array(row);
  const header = {
    version: z.literal(1),
    kind: z.literal('calibration'),
    steps: count,
    branches: count,
    runs: count,
    provenance: provenanceSchema(),
  };
  return z.discriminatedUnion('method', [
    z.object({
      ...header,
      method: z.literal('teacache'),
      coefficients: row.min(1),
      rSquared: z.number(),
      samples: count,
    }),
    z.object({ ...header, method: z.literal('smoothcache'), changes: z.array(rows).min(1) }),
    z.object({ ...header, method: z.literal('magcache'), ratios: row, branchRatios: rows }),
  ]) as unknown as z.ZodType<Calibration>;
}

/** How magnitudes change from step to step of an uncached run. Plain data. */
export interface RecordedMagnitudes {
  /** Sampling steps T. */
  readonly steps: number;
  /** How many runs the numbers are the mean of. */
  readonly runs: number;
  /**
   * `[T]`: `gamma_i = mean over tokens of |R(i)| / |R(i - 1)|`, with Euclidean norms over the width, of what all branches
   * together add to the tokens, R. The first is 1.
   */
  readonly ratios: readonly number[];
  /** `[T][N]`: the same of every branch output. */
  readonly branchRatios: readonly (readonly number[])[];
}

/** How much branch outputs change over 1, 2, ... steps of an uncached run. Plain data. */
export interface RecordedChanges {
  /** Sampling steps T. */
  readonly steps: number;
  /** How many runs the numbers are the mean of. */
  readonly runs: number;
  /**
   * `[d - 1][i][k]`, for d = 1 to the lookback and i < T - d: relative L1 change of branch k from step i to step i + d,
   * `sum |f(i) - f(i + d)| / sum |f(i + d)|`.
   */
  readonly changes: readonly (readonly (readonly number[])[])[];
}

/**
 * Refuses recorded numbers that are not a table of finite, non-negative values.
 *
 * @throws {@link InvalidArgumentError}
 * @internal
 */
export function assertRecorded(check: {
  readonly argument: string;
  /** `[rows][columns]`. */
  readonly values: readonly (readonly number[])[];
  readonly rows: number;
  readonly columns: number;
}): void {
  const { argument, values, rows, columns } = check;
  const isValid = (value: number) => Number.isFinite(value) && value >= 0;
  const fits = values.every((row) => row.length === columns && row.every(isValid));
  if (values.length === rows && fits) return;
  throw new InvalidArgumentError({
    argument,
    value: `${values.length} rows of ${values[0]?.length ?? 0} values`,
    expected: `${rows} rows of ${columns} values, all finite and not negative`,
  });
}

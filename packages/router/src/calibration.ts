import { type Provenance, parseJson, provenanceSchema } from '@harmonica/core';
import { z } from 'zod';
import type { PolynomialFit } from './fit-polynomial.js';
import type { RecordedMagnitudes } from './mag-cache-schedule.js';
import { readableJson } from './readable-json.js';
import type { RecordedChanges } from './smooth-cache-schedule.js';

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

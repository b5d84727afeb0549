import {
  assertArgument,
  type CacheMethod,
  IncompatibleError,
  type Provenance,
  parseJson,
  provenanceSchema,
} from '@harmonica/core';
import { z } from 'zod';
import { readableJson } from '../schedule/readable-json.js';

/** What the calibrations of all methods say: a document of what uncached runs of one model and plan told. */
export interface CalibrationHeader<Method extends string = string> {
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

/** Records numbers about steps while sampling goes on uncached. */
export interface Recorder<Recorded> {
  /** For `generate({ cache })`, in as many runs as wanted: computes everything and looks on. */
  readonly cache: CacheMethod;
  /**
   * What all runs that came to their end told.
   *
   * @throws {@link InvalidArgumentError} if there is none.
   */
  recorded(): Recorded;
}

/** What a recorder may be told, each of one method. */
export interface RecorderOptions {
  /** Of `smoothcache`: over how many steps changes are recorded, an integer of at least 1. Default 3. */
  readonly lookback?: number | undefined;
  /** Of `teacache`: degree of its polynomial, an integer of at least 1. Default 4, as published. */
  readonly degree?: number | undefined;
}

/** How a caching method is calibrated. */
export interface CalibrationKind<Method extends string = string, Found = unknown> {
  readonly method: Method;
  /** A zod schema for each field that its document has beside the header. */
  fields(): z.ZodRawShape;
  /**
   * What is recorded: those fields, and `runs`.
   *
   * @throws {@link InvalidArgumentError} if an option is outside its range
   */
  recorder(options: RecorderOptions): Recorder<Found & { readonly runs: number }>;
}

/** A way to calibrate, with the types of its method and of what it finds. */
export function calibrationKind<const Method extends string, Found>(
  kind: CalibrationKind<Method, Found>,
): CalibrationKind<Method, Found> {
  return kind;
}

/** What all calibrations say, of one of any method. @throws {@link ConfigError} */
export function parseHeader(text: string, source: string): CalibrationHeader {
  return parseJson({ source, text, schema: z.object(headerShape()) });
}

/**
 * Parses a calibration of one method.
 *
 * @throws {@link ConfigError} if it is damaged, {@link IncompatibleError} if it is of another method
 */
export function parseCalibrationOf<Method extends string, Found>(
  kind: CalibrationKind<Method, Found>,
  text: string,
  source: string,
): CalibrationHeader<Method> & Found {
  const { method } = kind;
  const found = parseHeader(text, source).method;
  if (found !== method) {
    throw new IncompatibleError({
      what: `The method that ${source} calibrates`,
      actual: found,
      expected: method,
      fix: `Calibrate ${method}, or use the policy ${found}.`,
    });
  }
  return parseFields(kind, text, source);
}

/** Parses a calibration that is known to be of a method. @throws {@link ConfigError} */
export function parseFields<Method extends string, Found>(
  { fields }: CalibrationKind<Method, Found>,
  text: string,
  source: string,
): CalibrationHeader<Method> & Found {
  const schema = z.object({ ...headerShape(), ...fields() }) as unknown;
  return parseJson({
    source,
    text,
    schema: schema as z.ZodType<CalibrationHeader<Method> & Found>,
  });
}

/** Whether a JSON document is a calibration. @throws {@link ConfigError} if it is none at all */
export function isCalibration(text: string, source: string): boolean {
  const { kind } = parseJson({ source, text, schema: z.record(z.string(), z.unknown()) });
  return kind === 'calibration';
}

/** A calibration as JSON for people and version control, a line a step. Ends with a line break. */
export function formatCalibration<Kind extends CalibrationHeader>(calibration: Kind): string {
  const { version, kind, method, steps, branches, runs, provenance, ...found } = calibration;
  const document = { version, kind, method, steps, branches, runs, ...found, provenance };
  return `${readableJson(document)}\n`;
}

function headerShape() {
  const count = z.number().int().positive();
  return {
    version: z.literal(1),
    kind: z.literal('calibration'),
    method: z.string(),
    steps: count,
    branches: count,
    runs: count,
    provenance: provenanceSchema(),
  };
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
  assertArgument(
    { [argument]: `${values.length} rows of ${values[0]?.length ?? 0} values` },
    `${rows} rows of ${columns} values, all finite and not negative`,
    values.length === rows && fits,
  );
}

const marker = Symbol.for('harmonica.error');

/** Every error code of the project. `error.code` is stable; messages may change. */
export type ErrorCode =
  | 'invalid-argument'
  | 'shape'
  | 'dtype'
  | 'unsupported'
  | 'engine'
  | 'disposed'
  | 'checkpoint'
  | 'config'
  | 'incompatible'
  | 'non-finite'
  | 'aborted'
  | 'file';

/**
 * Base of every error that the packages throw. Told apart by a registered symbol, not by identity of the class, so
 * that two copies of a package in one program still recognise each other's errors.
 */
export class HarmonicaError extends Error {
  readonly code: ErrorCode;
  readonly [marker] = true;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }

  /** Whether something thrown is an error of any copy of these packages. */
  static isInstance(error: unknown): error is HarmonicaError {
    return typeof error === 'object' && error !== null && marker in error;
  }
}

/** What every error may say beside its own fields. */
export interface ErrorDetails {
  /** What to do, in a sentence. */
  readonly fix?: string | undefined;
  readonly cause?: unknown;
}

/** A class of errors of one code. They have the fields that they are made of; `statement` makes their message of these. */
function errorOf<F extends object>(
  code: ErrorCode,
  statement: (fields: F & ErrorDetails) => string,
) {
  class FieldsError extends HarmonicaError {
    constructor(fields: F & ErrorDetails) {
      const { cause, ...kept } = fields;
      const { fix } = kept;
      super(code, `${statement(fields)}.${fix ? ` ${fix}` : ''}`, { cause });
      Object.assign(this, kept);
    }
  }
  return FieldsError as unknown as Pick<typeof HarmonicaError, 'isInstance'> &
    (new (
      fields: F & ErrorDetails,
    ) => HarmonicaError & Readonly<F> & Pick<ErrorDetails, 'fix'>);
}

/** An argument outside its documented range. */
export class InvalidArgumentError extends errorOf<{
  argument: string;
  value: unknown;
  expected: string;
}>(
  'invalid-argument',
  ({ argument, value, expected }) => `${argument} is ${show(value)}; expected ${expected}`,
) {}

/** A tensor whose shape is not the documented one. `null` in `expected` stands for any size. */
export class ShapeError extends errorOf<{
  tensor: string;
  actual: readonly number[];
  expected: readonly (number | null)[];
}>('shape', ({ tensor, actual, expected }) => {
  const wanted = expected.map((size) => size ?? '*').join(', ');
  return `${tensor} has shape [${actual.join(', ')}]; expected [${wanted}]`;
}) {}

/** A tensor or file of an unexpected element type. */
export class DTypeError extends errorOf<{ tensor: string; actual: string; expected: string }>(
  'dtype',
  ({ tensor, actual, expected }) => `${tensor} is ${actual}; expected ${expected}`,
) {}

/** Something that exists in the field but that this engine, format or method cannot do. */
export class UnsupportedError extends errorOf<{ feature: string; engine: string }>(
  'unsupported',
  ({ feature, engine }) => `${engine} does not support ${feature}`,
) {}

/** An engine that is missing, failed to start or failed while running. */
export class EngineError extends errorOf<{ engine: string; operation: string }>(
  'engine',
  ({ engine, operation, cause }) =>
    `${engine} failed at ${operation}${cause instanceof Error ? `: ${cause.message}` : ''}`,
) {}

/** Use of something after its `dispose`. */
export class DisposedError extends HarmonicaError {
  constructor(what: string) {
    super('disposed', `${what} is used after dispose(); create a new one.`);
  }
}

/** A weight file that is truncated, malformed, incomplete or not made for this model. */
export class CheckpointError extends errorOf<{ path: string; problem: string; key?: string }>(
  'checkpoint',
  ({ path, key, problem }) => `${path}${key ? ` (${key})` : ''}: ${problem}`,
) {}

/** One fault of a document: where it is and what is wrong. */
export interface ConfigIssue {
  readonly path: string;
  readonly message: string;
}

/** A JSON document (plan, schedule, router, config) that does not fit its schema. */
export class ConfigError extends errorOf<{ source: string; issues: readonly ConfigIssue[] }>(
  'config',
  ({ source, issues }) => {
    const list = issues.map(({ path, message }) => `${path || '(root)'}: ${message}`).join('; ');
    return `${source} is not valid: ${list}`;
  },
) {}

/** Two things that are each fine but do not belong together, such as a router and another model. */
export class IncompatibleError extends errorOf<{
  what: string;
  actual: unknown;
  expected: unknown;
}>(
  'incompatible',
  ({ what, actual, expected }) => `${what} is ${show(actual)}; expected ${show(expected)}`,
) {}

/** NaN or infinity where numbers were due. */
export class NonFiniteError extends errorOf<{ site: string; step?: number }>(
  'non-finite',
  ({ site, step }) =>
    `${step === undefined ? site : `${site} at step ${step}`} is not finite (NaN or infinity)`,
) {}

/** A run that its caller stopped through an `AbortSignal`. */
export class AbortedError extends HarmonicaError {
  constructor(what: string, cause?: unknown) {
    super('aborted', `${what} was stopped by its caller.`, { cause });
  }
}

/** A file that cannot be read or written. */
export class FileError extends errorOf<{ path: string; problem: string }>(
  'file',
  ({ path, problem }) => `${path}: ${problem}`,
) {}

/** Throws {@link AbortedError} if the signal says so. Call it once per step of any loop. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AbortedError(what, signal.reason);
}

function show(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'number' || typeof value === 'bigint' || value == null) return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

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

/** An argument outside its documented range. */
export class InvalidArgumentError extends HarmonicaError {
  readonly argument: string;
  readonly value: unknown;
  readonly expected: string;
  /** What to do, in a sentence. */
  readonly fix: string | undefined;

  constructor(fields: {
    argument: string;
    value: unknown;
    expected: string;
    fix?: string | undefined;
    cause?: unknown;
  }) {
    const { argument, value, expected, fix, cause } = fields;
    const message = sentence(`${argument} is ${show(value)}; expected ${expected}`, fix);
    super('invalid-argument', message, { cause });
    this.argument = argument;
    this.value = value;
    this.expected = expected;
    this.fix = fix;
  }
}

/** A tensor whose shape is not the documented one. `null` in `expected` stands for any size. */
export class ShapeError extends HarmonicaError {
  readonly tensor: string;
  readonly actual: readonly number[];
  readonly expected: readonly (number | null)[];

  constructor(fields: {
    tensor: string;
    actual: readonly number[];
    expected: readonly (number | null)[];
    fix?: string;
  }) {
    const { tensor, actual, expected, fix } = fields;
    const wanted = expected.map((size) => size ?? '*').join(', ');
    super(
      'shape',
      sentence(`${tensor} has shape [${actual.join(', ')}]; expected [${wanted}]`, fix),
    );
    this.tensor = tensor;
    this.actual = actual;
    this.expected = expected;
  }
}

/** A tensor or file of an unexpected element type. */
export class DTypeError extends HarmonicaError {
  readonly tensor: string;
  readonly actual: string;
  readonly expected: string;

  constructor(fields: { tensor: string; actual: string; expected: string; fix?: string }) {
    const { tensor, actual, expected, fix } = fields;
    super('dtype', sentence(`${tensor} is ${actual}; expected ${expected}`, fix));
    this.tensor = tensor;
    this.actual = actual;
    this.expected = expected;
  }
}

/** Something that exists in the field but that this engine, format or method cannot do. */
export class UnsupportedError extends HarmonicaError {
  readonly feature: string;
  readonly engine: string;

  constructor(fields: { feature: string; engine: string; fix?: string; cause?: unknown }) {
    const { feature, engine, fix, cause } = fields;
    super('unsupported', sentence(`${engine} does not support ${feature}`, fix), { cause });
    this.feature = feature;
    this.engine = engine;
  }
}

/** An engine that is missing, failed to start or failed while running. */
export class EngineError extends HarmonicaError {
  readonly engine: string;
  readonly operation: string;

  constructor(fields: { engine: string; operation: string; fix?: string; cause?: unknown }) {
    const { engine, operation, fix, cause } = fields;
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    super('engine', sentence(`${engine} failed at ${operation}${reason}`, fix), { cause });
    this.engine = engine;
    this.operation = operation;
  }
}

/** Use of something after its `dispose`. */
export class DisposedError extends HarmonicaError {
  constructor(what: string) {
    super('disposed', `${what} is used after dispose(); create a new one.`);
  }
}

/** A weight file that is truncated, malformed, incomplete or not made for this model. */
export class CheckpointError extends HarmonicaError {
  readonly path: string;
  readonly key: string | undefined;

  constructor(fields: {
    path: string;
    problem: string;
    key?: string;
    fix?: string;
    cause?: unknown;
  }) {
    const { path, problem, key, fix, cause } = fields;
    super('checkpoint', sentence(`${path}${key ? ` (${key})` : ''}: ${problem}`, fix), { cause });
    this.path = path;
    this.key = key;
  }
}

/** One fault of a document: where it is and what is wrong. */
export interface ConfigIssue {
  readonly path: string;
  readonly message: string;
}

/** A JSON document (plan, schedule, router, config) that does not fit its schema. */
export class ConfigError extends HarmonicaError {
  readonly source: string;
  readonly issues: readonly ConfigIssue[];

  constructor(fields: { source: string; issues: readonly ConfigIssue[]; cause?: unknown }) {
    const { source, issues, cause } = fields;
    const list = issues.map(({ path, message }) => `${path || '(root)'}: ${message}`).join('; ');
    super('config', `${source} is not valid: ${list}.`, { cause });
    this.source = source;
    this.issues = issues;
  }
}

/** Two things that are each fine but do not belong together, such as a router and another model. */
export class IncompatibleError extends HarmonicaError {
  readonly what: string;
  readonly actual: unknown;
  readonly expected: unknown;

  constructor(fields: { what: string; actual: unknown; expected: unknown; fix?: string }) {
    const { what, actual, expected, fix } = fields;
    super('incompatible', sentence(`${what} is ${show(actual)}; expected ${show(expected)}`, fix));
    this.what = what;
    this.actual = actual;
    this.expected = expected;
  }
}

/** NaN or infinity where numbers were due. */
export class NonFiniteError extends HarmonicaError {
  readonly site: string;
  readonly step: number | undefined;

  constructor(fields: { site: string; step?: number; fix?: string }) {
    const { site, step, fix } = fields;
    const where = step === undefined ? site : `${site} at step ${step}`;
    super('non-finite', sentence(`${where} is not finite (NaN or infinity)`, fix));
    this.site = site;
    this.step = step;
  }
}

/** A run that its caller stopped through an `AbortSignal`. */
export class AbortedError extends HarmonicaError {
  constructor(what: string, cause?: unknown) {
    super('aborted', `${what} was stopped by its caller.`, { cause });
  }
}

/** A file that cannot be read or written. */
export class FileError extends HarmonicaError {
  readonly path: string;

  constructor(fields: { path: string; problem: string; fix?: string; cause?: unknown }) {
    const { path, problem, fix, cause } = fields;
    super('file', sentence(`${path}: ${problem}`, fix), { cause });
    this.path = path;
  }
}

/** Throws {@link AbortedError} if the signal says so. Call it once per step of any loop. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AbortedError(what, signal.reason);
}

function sentence(statement: string, fix: string | undefined): string {
  return fix ? `${statement}. ${fix}` : `${statement}.`;
}

function show(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'number' || typeof value === 'bigint' || value == null) return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

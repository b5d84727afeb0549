import { ConfigError, type ConfigIssue, InvalidArgumentError } from '@harmonica/core';

/** `config.json` of a component as diffusers writes it, parsed. */
export type ComponentJson = Readonly<Record<string, unknown>>;

/** A setting that is read: what it must be, and what stands for it where it is absent. */
export interface Setting<T> {
  readonly expected: string;
  accepts(value: unknown): boolean;
  /** Without one the setting must be there. */
  readonly fallback?: T;
}

/** The settings that some rules read. */
export type SettingsOf<Rules> = {
  readonly [K in keyof Rules]: Rules[K] extends Setting<infer T> ? T : never;
};

/** What a component's settings may be. */
export interface ComponentRules<T> {
  /** For messages, where the file does not name its class. */
  readonly component: string;
  readonly settings: { readonly [K in keyof T]: Setting<T[K]> };
  /** Settings that only ever have these values here, because others would be another architecture. */
  readonly fixed: Readonly<Record<string, readonly unknown[]>>;
  /** Settings that change nothing at inference. */
  readonly ignored: readonly string[];
}

/**
 * Reads the settings of a component. One that nobody has heard of is refused unless it is off (null or false): it may
 * stand for another architecture.
 *
 * @throws {@link ConfigError} with every setting that is missing, malformed or of another architecture
 */
export function readComponent<T extends object>(json: ComponentJson, rules: ComponentRules<T>): T {
  const { settings, fixed, ignored } = rules;
  const names = Object.keys(settings) as (keyof T & string)[];
  const known = new Set<string>([...names, ...ignored]);
  const others = Object.entries(json).filter(([name]) => !known.has(name) && !name.startsWith('_'));
  const issues = [
    ...names.flatMap((name) => issueOfSetting(name, json[name], settings[name])),
    ...others.flatMap(([name, value]) => issueOfOther(name, value, fixed[name])),
  ];
  if (issues.length > 0) throw configError(json, { component: rules.component, issues });
  const read = names.map((name) => [
    name,
    json[name] === undefined ? settings[name].fallback : json[name],
  ]);
  return Object.fromEntries(read) as T;
}

/** A refusal of some settings. */
export function configError(
  json: ComponentJson,
  refusal: { readonly component: string; readonly issues: readonly ConfigIssue[] },
): ConfigError {
  const { component, issues } = refusal;
  const name = typeof json._class_name === 'string' ? json._class_name : component;
  return new ConfigError({ source: `the configuration of ${name}`, issues });
}

/** A positive integer. */
export function count(fallback?: number): Setting<number> {
  return setting('a positive integer', isCount, fallback);
}

/** A positive number. */
export function positive(fallback?: number): Setting<number> {
  return setting('a positive number', isPositive, fallback);
}

/** True or false. */
export function flag(fallback?: boolean): Setting<boolean> {
  return setting('true or false', (value) => typeof value === 'boolean', fallback);
}

/** One positive integer or more. */
export function counts(fallback?: readonly number[]): Setting<readonly number[]> {
  const accepts = (value: unknown) =>
    Array.isArray(value) && value.length > 0 && value.every(isCount);
  return setting('one positive integer or more', accepts, fallback);
}

/** The same, or null, which is also what stands for an absent one. */
export function orNull<T>({ expected, accepts }: Setting<T>): Setting<T | null> {
  return setting<T | null>(
    `${expected}, or null`,
    (value) => value === null || accepts(value),
    null,
  );
}

function setting<T>(
  expected: string,
  accepts: (value: unknown) => boolean,
  fallback: T | undefined,
): Setting<T> {
  return { expected, accepts, ...(fallback !== undefined && { fallback }) };
}

/** Whether something is a positive integer. */
export function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0;
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function issueOfSetting(path: string, value: unknown, setting: Setting<unknown>): ConfigIssue[] {
  const { expected, accepts, fallback } = setting;
  if (value === undefined ? fallback !== undefined : accepts(value)) return [];
  return [{ path, message: `is ${JSON.stringify(value) ?? 'missing'}; expected ${expected}` }];
}

function issueOfOther(
  path: string,
  value: unknown,
  allowed: readonly unknown[] = [null, false],
): ConfigIssue[] {
  const wanted = allowed.map((one) => JSON.stringify(one));
  const actual = JSON.stringify(value);
  if (wanted.includes(actual)) return [];
  return [{ path, message: `is ${actual}; only ${wanted.join(' or ')} is this architecture` }];
}

/** The error that names a field which no model can have. */
export function invalidField<C extends object>(
  config: C,
  field: keyof C & string,
  expected: string,
): InvalidArgumentError {
  return new InvalidArgumentError({ argument: `config.${field}`, value: config[field], expected });
}

/** @throws {@link InvalidArgumentError} for the first field that is not an integer of at least `least` */
export function assertCounts<C extends object>(
  config: C,
  fields: readonly (keyof C & string)[],
  least: 0 | 1 = 1,
): void {
  for (const field of fields) {
    const value = config[field] as number;
    if (Number.isInteger(value) && value >= least) continue;
    const expected = least === 1 ? 'a positive integer' : 'an integer of 0 or more';
    throw invalidField(config, field, expected);
  }
}

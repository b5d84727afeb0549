import {
  assertArgument,
  type CacheMethod,
  type CacheSchedule,
  ConfigError,
  computeAll,
  InvalidArgumentError,
  type PredictorChoice,
} from '@harmonica/core';
import { z } from 'zod';
import {
  type AnyCachingMethod,
  assertPredictors,
  type PolicyContext,
  type PolicyOrigin,
  type ReadFile,
  runOf,
} from './methods/method.js';
import { scheduleFile } from './methods/schedule-file.js';
import { CACHING_METHODS, type PolicySpec } from './methods/table.js';
import { formatSettings, settingsIn, toCamel, toKebab, usageOf } from './methods/text-form.js';
import { predictorByName } from './predictors.js';
import type { DynamicPolicy } from './run/dynamic-policy.js';
import { withCache } from './run/with-cache.js';
import { withPolicy } from './run/with-policy.js';

/** The names of the caching methods: what text may begin with. */
export function policyNames(): readonly string[] {
  return CACHING_METHODS.names();
}

/** How each method is written, such as `fora:<interval>`, and what it does. */
export function policyHelp(): readonly { readonly usage: string; readonly summary: string }[] {
  return CACHING_METHODS.entries().map((method) => {
    return { usage: usageOf(method), summary: method.summary };
  });
}

/**
 * A policy from a line of text: the name of a method, a colon, and settings as `key=value` with commas between them.
 * The first setting of some goes without its key: `fora:2`, `teacache:calibration.json,threshold=0.15`,
 * `dbcache:front-blocks=2,warm-up=4`. A path, or a name with digits, is a file of a router or schedule; text that begins
 * with a brace is JSON. An object is checked.
 *
 * @returns a spec of this package's methods, or one of a method that was registered, with that method's settings
 * @throws {@link InvalidArgumentError} if there is no method or setting of that name; lists what there is
 * @throws {@link ConfigError} if a setting is missing or of another type
 */
export function parsePolicySpec(given: string | PolicySpec): PolicySpec {
  if (typeof given !== 'string') return checkedSpec(given, JSON.stringify(given));
  const text = given.trim();
  if (text.startsWith('{')) return checkedSpec(parsedObject(text), text);
  const [, name = '', rest = ''] = /^([a-z-]+)(?::(.*))?$/s.exec(text) ?? [];
  const method = CACHING_METHODS.find(name);
  if (method) return checkedSpec({ policy: name, ...settingsIn(method, rest) }, text);
  if (isFileName(text)) return { policy: scheduleFile.name, file: text };
  throw unknownPolicy(text);
}

/** The line of text that {@link parsePolicySpec} reads as this policy; JSON if a setting does not fit into one. */
export function formatPolicySpec(spec: PolicySpec): string {
  const { policy, ...settings } = spec;
  return formatSettings(CACHING_METHODS.get(policy), settings);
}

/** A path, or a name that no policy could have; a mere word is a misspelt policy. */
function isFileName(text: string): boolean {
  const beforeColon = text.split(':')[0] as string;
  return (
    /[\\/.]/.test(beforeColon) || /^[A-Za-z]:\\/.test(text) || /^[^:]*[^a-z:-][^:]*$/.test(text)
  );
}

function checkedSpec(value: object, source: string): PolicySpec {
  const { policy: name, ...settings } = value as { policy?: unknown };
  const method = typeof name === 'string' ? CACHING_METHODS.find(name) : undefined;
  if (!method) throw unknownPolicy(name);
  const given = Object.entries(settings).filter(([, setting]) => setting !== undefined);
  const shape = method.settings();
  const keys = Object.keys(shape);
  const unknown = given.map(([key]) => key).find((key) => !keys.includes(key));
  assertArgument(
    { [`a setting of policy ${name}`]: unknown && toKebab(unknown) },
    keys.length > 0 ? `one of ${keys.map(toKebab).join(', ')}` : 'none: it has none',
    unknown === undefined,
  );
  const result = z.object(shape).safeParse(Object.fromEntries(given));
  if (result.success) return { policy: name, ...result.data } as PolicySpec;
  const issues = result.error.issues.map(({ path, message }) => ({
    path: toKebab(path.join('.')),
    message,
  }));
  throw new ConfigError({ source: `policy ${source}`, issues });
}

function parsedObject(text: string): object {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError({ source: `policy ${text}`, issues: [{ path: '', message }], cause });
  }
}

function unknownPolicy(value: unknown): InvalidArgumentError {
  return new InvalidArgumentError({
    argument: 'policy',
    value,
    expected: `one of ${policyNames().join(', ')}, or a file of a router or schedule`,
  });
}

/**
 * Whether a setting of a policy takes whole numbers alone, such as an interval.
 *
 * @param setting as in a {@link PolicySpec} or in its text, such as `warmUp` or `warm-up`
 */
export function isWholeSetting(policy: string, setting: string): boolean {
  const schema = CACHING_METHODS.get(policy).settings()[toCamel(setting)];
  if (!schema) return false;
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).type === 'integer';
}

/** A caching method made ready for a model and plan. */
export type ReadyPolicy = {
  /** Its spec as text, or the name of its file. */
  readonly name: string;
  /** The method that it is of, whatever its settings: its name, or that of the file, for each learned router is one. */
  readonly method: string;
} & (
  | { readonly kind: 'none' }
  | { readonly kind: 'schedule'; readonly schedule: CacheSchedule }
  | {
      readonly kind: 'dynamic';
      readonly policy: DynamicPolicy;
      readonly predictor: PredictorChoice;
    }
);

/**
 * Makes a policy for a run: a schedule where all is known ahead, else a policy that decides on the way.
 *
 * @param given a spec or its text, as `parsePolicySpec` takes it
 * @throws as {@link parsePolicySpec}, and as the function of the method for a setting outside its range
 * @throws {@link IncompatibleError} if a file was made for another run
 */
export async function policyFrom(
  given: string | PolicySpec,
  context: PolicyContext,
): Promise<ReadyPolicy> {
  const spec = parsePolicySpec(given);
  const { method, settings } = methodOf(spec);
  const title = method.title?.(settings);
  const told = { name: title ?? formatPolicySpec(spec), method: title ?? method.name };
  const { predictor = 'hold' } = settings as { readonly predictor?: PredictorChoice };
  assertPredictors(predictor, context);
  const made = await method.make(settings, context);
  if (made === 'none') return { kind: 'none', ...told };
  if (!('start' in made)) return { kind: 'schedule', ...told, schedule: made };
  // A policy may refuse the model, which is better known now than after the first step.
  made.start(runOf(context));
  return { kind: 'dynamic', ...told, policy: made, predictor };
}

/**
 * What the file that a spec names was made for, to make the run by; undefined for a spec without a file, and for a file
 * of the official SmoothCache code, which does not say.
 *
 * @throws {@link ConfigError} if the file is damaged, and as `read`
 */
export async function policyOrigin(
  spec: PolicySpec,
  read: ReadFile,
): Promise<PolicyOrigin | undefined> {
  const { method, settings } = methodOf(spec);
  return method.origin?.(settings, read);
}

function methodOf(spec: PolicySpec): {
  readonly method: AnyCachingMethod;
  readonly settings: Record<string, unknown>;
} {
  const { policy, ...settings } = spec;
  return { method: CACHING_METHODS.get(policy), settings };
}

/** What `generate` takes to run a policy. */
export function cacheMethodOf(policy: ReadyPolicy): CacheMethod {
  switch (policy.kind) {
    case 'none':
      return computeAll;
    case 'schedule':
      return withCache({ schedule: policy.schedule });
    case 'dynamic':
      return withPolicy({ policy: policy.policy, predictor: predictorByName(policy.predictor) });
  }
}

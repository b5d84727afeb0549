import {
  type CacheMethod,
  type CacheSchedule,
  ConfigError,
  computeAll,
  InvalidArgumentError,
  PREDICTOR_NAMES,
  type PredictorChoice,
  type RouterFile,
  UnsupportedError,
} from '@harmonica/core';
import { z } from 'zod';
import { type Calibration, parseCalibration } from './calibration/calibration.js';
import { type DeltaDitSpec, deltaDitSchedule } from './methods/delta-dit.js';
import {
  computedStepsOf,
  type DualBlockSpec,
  dualBlockCachePolicy,
} from './methods/dual-block-cache.js';
import { type FirstBlockSpec, firstBlockCachePolicy } from './methods/first-block-cache.js';
import {
  type ForaSpec,
  fixedIntervalSchedule,
  type IntervalSpec,
  intervalSchedule,
} from './methods/fora.js';
import { type MagCacheSpec, magCacheSchedule } from './methods/mag-cache.js';
import {
  assertPredictors,
  calibrationIn,
  isCalibration,
  type PolicyContext,
  readText,
  refuse,
} from './methods/method.js';
import { broadcastOf, mlpAfterOf, type PabSpec, pabSchedule } from './methods/pab.js';
import { type SmoothCacheSpec, smoothCache } from './methods/smooth-cache.js';
import { type TaylorSeerSpec, taylorOf, taylorSeerSchedule } from './methods/taylor-seer.js';
import { type TeaCacheSpec, teaCachePolicy } from './methods/tea-cache.js';
import { predictorByName } from './predictors.js';
import type { DynamicPolicy } from './run/dynamic-policy.js';
import { withCache } from './run/with-cache.js';
import { withPolicy } from './run/with-policy.js';
import { assertCompatible } from './schedule/compatibility.js';
import { parseCacheDocument } from './schedule/readable-json.js';
import { toSchedule } from './schedule/schedule.js';

/** A caching method and its settings, for any model and plan. Plain JSON; settings are those of the method's function. */
export type PolicySpec =
  | { readonly policy: 'none' }
  | ForaSpec
  | IntervalSpec
  | DeltaDitSpec
  | PabSpec
  | SmoothCacheSpec
  | MagCacheSpec
  | TaylorSeerSpec
  | FirstBlockSpec
  | DualBlockSpec
  | TeaCacheSpec
  | ScheduleSpec;

/** A name of {@link POLICY_NAMES}. */
export type PolicyName = PolicySpec['policy'];

/** A router or schedule file, or whatever else the reader of files knows by its name. */
export interface ScheduleSpec {
  readonly policy: 'schedule';
  readonly file: string;
  /** Score above which a router computes a branch. Default: the router's own. */
  readonly threshold?: number;
  /** What stands in for a branch that is not computed. Default: what the file says. */
  readonly predictor?: PredictorChoice;
}

/** The caching methods that a {@link PolicySpec} names. */
export const POLICY_NAMES: readonly PolicyName[] = [
  'none',
  'fora',
  'interval',
  'delta-dit',
  'pab',
  'smoothcache',
  'magcache',
  'taylorseer',
  'first-block',
  'dbcache',
  'teacache',
  'schedule',
];

/** Settings that are text even where they look like numbers. */
const TEXT_KEYS: readonly string[] = [
  'file',
  'attentionWindow',
  'crossAttentionWindow',
  'mlpWindow',
  'mlpAfter',
  'computedSteps',
];

/** Which setting a value without a key is. */
const FIRST_KEYS: { readonly [Name in PolicyName]?: string } = {
  fora: 'interval',
  interval: 'interval',
  smoothcache: 'file',
  magcache: 'file',
  'first-block': 'threshold',
  teacache: 'file',
  schedule: 'file',
};

/**
 * A policy from a line of text: the name of a method, a colon, and settings as `key=value` with commas between them.
 * The first setting of some goes without its key: `fora:2`, `teacache:calibration.json,threshold=0.15`,
 * `dbcache:front-blocks=2,warm-up=4`. A path, or a name with digits, is a file of a router or schedule; text that begins
 * with a brace is JSON. An object is checked.
 *
 * @throws {@link InvalidArgumentError} if there is no method or setting of that name; lists what there is
 * @throws {@link ConfigError} if a setting is missing or of another type
 */
export function parsePolicySpec(given: string | PolicySpec): PolicySpec {
  if (typeof given !== 'string') return checkedSpec(given, JSON.stringify(given));
  const text = given.trim();
  if (text.startsWith('{')) return checkedSpec(parsedObject(text), text);
  const [, name = '', rest] = /^([a-z-]+)(?::(.*))?$/s.exec(text) ?? [];
  if (!isPolicyName(name)) {
    if (isFileName(text)) return { policy: 'schedule', file: text };
    throw unknownPolicy(text);
  }
  return checkedSpec({ policy: name, ...settingsIn(name, rest) }, text);
}

/** The line of text that {@link parsePolicySpec} reads as this policy; JSON if a setting does not fit into one. */
export function formatPolicySpec(spec: PolicySpec): string {
  const { policy, ...settings } = spec;
  const first = FIRST_KEYS[policy];
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  const parts = entries
    .toSorted(([a], [b]) => Number(b === first) - Number(a === first))
    .map(([key, value]) => (key === first ? String(value) : `${toKebab(key)}=${value}`));
  const text = parts.length > 0 ? `${policy}:${parts.join(',')}` : policy;
  const hasLists = entries.some(([, value]) => typeof value === 'object');
  const hasSeparators = parts.some((part) => part.includes(','));
  return hasLists || hasSeparators ? JSON.stringify(spec) : text;
}

function isPolicyName(name: string): name is PolicyName {
  return POLICY_NAMES.some((each) => each === name);
}

/** A path, or a name that no policy could have; a mere word is a misspelt policy. */
function isFileName(text: string): boolean {
  const beforeColon = text.split(':')[0] as string;
  return (
    /[\\/.]/.test(beforeColon) || /^[A-Za-z]:\\/.test(text) || /^[^:]*[^a-z:-][^:]*$/.test(text)
  );
}

function settingsIn(name: PolicyName, text = ''): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  const parts = text === '' ? [] : text.split(',');
  for (const [i, part] of parts.entries()) {
    const [, named, value = part] = /^([a-z-]+)=(.*)$/s.exec(part) ?? [];
    const key = named === undefined ? i === 0 && FIRST_KEYS[name] : toCamel(named);
    if (!key) {
      throw new InvalidArgumentError({
        argument: `a setting of policy ${name}`,
        value: part,
        expected: `key=value, with one of the keys ${keysOf(name).map(toKebab).join(', ')}`,
      });
    }
    if (key in settings) {
      const argument = `${toKebab(key)} of policy ${name}`;
      throw new InvalidArgumentError({ argument, value: text, expected: 'one value' });
    }
    settings[key] = TEXT_KEYS.includes(key) ? value : scalarOf(value);
  }
  return settings;
}

function scalarOf(text: string): string | number {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

function checkedSpec(value: object, source: string): PolicySpec {
  const { policy: name } = value as { policy?: unknown };
  if (typeof name !== 'string' || !isPolicyName(name)) throw unknownPolicy(name);
  const keys = keysOf(name);
  const unknown = Object.keys(value).find((key) => key !== 'policy' && !keys.includes(key));
  if (unknown !== undefined) {
    throw new InvalidArgumentError({
      argument: `a setting of policy ${name}`,
      value: toKebab(unknown),
      expected: keys.length > 0 ? `one of ${keys.map(toKebab).join(', ')}` : 'none: it has none',
    });
  }
  const result = z.object(settingsOf(name)).safeParse(value);
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
    expected: `one of ${POLICY_NAMES.join(', ')}, or a file of a router or schedule`,
  });
}

/**
 * Whether a setting of a policy takes whole numbers alone, such as an interval.
 *
 * @param setting as in a {@link PolicySpec} or in its text, such as `warmUp` or `warm-up`
 */
export function isWholeSetting(policy: PolicyName, setting: string): boolean {
  const { [toCamel(setting)]: schema } = settingsOf(policy);
  if (!schema) return false;
  return z.safeParse(schema, 2).success && !z.safeParse(schema, 2.5).success;
}

function keysOf(name: PolicyName): readonly string[] {
  return Object.keys(settingsOf(name));
}

/** Types of the settings of a policy; their ranges are checked by the function that takes them. */
function settingsOf(name: PolicyName): z.ZodRawShape {
  const number = z.number().optional();
  const required = z.int('expected a whole number');
  const whole = required.optional();
  const predictor = z.enum(PREDICTOR_NAMES);
  const predicting = { predictor: z.union([predictor, z.array(predictor)]).optional() };
  const per = z.enum(['model', 'kind', 'branch']).optional();
  const file = z.string().min(1);
  const text = z.string().optional();
  const kinds = { attention: whole, crossAttention: whole, mlp: whole };
  switch (name) {
    case 'none':
      return {};
    case 'fora':
      return { interval: required, ...predicting };
    case 'interval':
      return {
        interval: whole,
        ...kinds,
        align: z.enum(['first', 'last']).optional(),
        initialSteps: whole,
        ...predicting,
      };
    case 'delta-dit':
      return { boundary: required, cachedBlocks: required, interval: whole, ...predicting };
    case 'pab':
      return {
        ...kinds,
        low: number,
        high: number,
        attentionWindow: text,
        crossAttentionWindow: text,
        mlpWindow: text,
        mlpAfter: text,
        ...predicting,
      };
    case 'smoothcache':
      return {
        file,
        threshold: number,
        per,
        components: z.enum(['dit', 'diffusers']).optional(),
        ...predicting,
      };
    case 'magcache':
      return { file, threshold: number, maxSkips: whole, retention: number, per, ...predicting };
    case 'taylorseer':
      return { interval: whole, order: whole, warmUp: whole, anchor: whole, fullFrom: whole };
    case 'first-block':
      return { threshold: number, ...predicting };
    case 'dbcache':
      return {
        frontBlocks: whole,
        backBlocks: whole,
        threshold: number,
        warmUp: whole,
        maxCached: whole,
        maxConsecutive: whole,
        maxAccumulated: number,
        computedSteps: text,
        ...predicting,
      };
    case 'teacache':
      return {
        file,
        threshold: z.number(),
        firstSteps: whole,
        lastSteps: whole,
        ...predicting,
      };
    case 'schedule':
      return { file, threshold: number, ...predicting };
  }
}

function toCamel(key: string): string {
  return key.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function toKebab(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A caching method made ready for a model and plan. `name` is its spec as text, or that of its file. */
export type ReadyPolicy =
  | { readonly kind: 'none'; readonly name: string }
  | { readonly kind: 'schedule'; readonly name: string; readonly schedule: CacheSchedule }
  | {
      readonly kind: 'dynamic';
      readonly name: string;
      readonly policy: DynamicPolicy;
      readonly predictor: PredictorChoice;
    };

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
  const name = nameOf(spec);
  if (spec.policy === 'none') return { kind: 'none', name };
  const { predictor = 'hold' } = spec as { readonly predictor?: PredictorChoice };
  assertPredictors(predictor, context);
  const dynamic = await dynamicPolicy(spec, context);
  if (!dynamic) return { kind: 'schedule', name, schedule: await scheduleOf(spec, context) };
  // A policy may refuse the model, which is better known now than after the first step.
  dynamic.start({ steps: context.plan.steps.length, branches: context.spec.branches });
  return { kind: 'dynamic', name, policy: dynamic, predictor };
}

/**
 * What the file that a spec names was made for, to make the run by; undefined for a spec without a file, and for a file
 * of the official SmoothCache code, which does not say.
 *
 * @throws {@link ConfigError} if the file is damaged, and as `read`
 */
export async function policyOrigin(
  spec: PolicySpec,
  read: (file: string) => Promise<string>,
): Promise<RouterFile | CacheSchedule | Calibration | undefined> {
  if (!('file' in spec)) return undefined;
  const { file } = spec;
  const text = await read(file);
  if (spec.policy === 'schedule') return parseCacheDocument(text, file);
  return isCalibration(text, file) ? parseCalibration(text, file) : undefined;
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

function nameOf(spec: PolicySpec): string {
  if (spec.policy !== 'schedule') return formatPolicySpec(spec);
  const file = spec.file.replace(/^.*[\\/]/s, '').replace(/\.json$/, '');
  const { threshold, predictor } = spec;
  const isPlain = threshold === undefined && predictor === undefined;
  return isPlain ? file : formatPolicySpec({ ...spec, file });
}

async function dynamicPolicy(
  spec: PolicySpec,
  context: PolicyContext,
): Promise<DynamicPolicy | undefined> {
  switch (spec.policy) {
    case 'first-block':
      return firstBlockCachePolicy(spec);
    case 'dbcache':
      return dualBlockCachePolicy({ ...spec, computedSteps: computedStepsOf(spec) });
    case 'teacache': {
      const { coefficients } = await calibrationIn(spec.file, 'teacache', context);
      return teaCachePolicy({ ...spec, coefficients });
    }
    default:
      return undefined;
  }
}

async function scheduleOf(spec: PolicySpec, context: PolicyContext): Promise<CacheSchedule> {
  const { plan } = context;
  const { branches } = context.spec;
  const run = { steps: plan.steps.length, branches };
  switch (spec.policy) {
    case 'fora':
      return fixedIntervalSchedule({ ...spec, ...run });
    case 'interval':
      return intervalSchedule(spec, context);
    case 'delta-dit':
      return deltaDitSchedule({ ...spec, ...run });
    case 'pab':
      return pabSchedule({
        ...spec,
        branches,
        times: plan.steps.map(({ timestep }) => timestep),
        broadcast: broadcastOf(spec),
        mlp: mlpAfterOf(spec),
      });
    case 'taylorseer':
      return taylorSeerSchedule({ ...spec, ...run, predictor: taylorOf(spec) });
    case 'smoothcache':
      return smoothCache(spec, context);
    case 'magcache': {
      const recorded = await calibrationIn(spec.file, 'magcache', context);
      return magCacheSchedule({ ...spec, recorded, branches, provenance: recorded.provenance });
    }
    case 'schedule':
      return documentSchedule(spec, context);
    default:
      throw new UnsupportedError({ feature: `a schedule of ${spec.policy}`, engine: 'policyFrom' });
  }
}

async function documentSchedule(
  { file, threshold, predictor }: ScheduleSpec,
  context: PolicyContext,
): Promise<CacheSchedule> {
  const document = parseCacheDocument(await readText(file, context), file);
  assertCompatible(document, context);
  if (document.kind !== 'router') refuse({ threshold }, 'a schedule', 'router');
  const schedule =
    document.kind === 'router'
      ? toSchedule(document, threshold === undefined ? {} : { threshold })
      : document;
  return predictor ? { ...schedule, predictor } : schedule;
}

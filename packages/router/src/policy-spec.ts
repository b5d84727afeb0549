import {
  ConfigError,
  InvalidArgumentError,
  PREDICTOR_NAMES,
  type PredictorChoice,
} from '@harmonica/core';
import { z } from 'zod';
import type { Granularity } from './branch-groups.js';
import type { DeltaDitScheduleOptions } from './delta-dit-schedule.js';
import type { DualBlockCacheOptions } from './dual-block-cache-policy.js';
import type { FixedIntervalScheduleOptions } from './fixed-interval-schedule.js';
import type { MagCacheScheduleOptions } from './mag-cache-schedule.js';
import type { TaylorSeerScheduleOptions } from './taylor-seer-schedule.js';
import type { TeaCacheOptions } from './tea-cache-policy.js';

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

interface Predicting {
  /** What stands in for a branch that is not computed. Default `hold`. */
  readonly predictor?: PredictorChoice;
}

/** FORA: `fixedIntervalSchedule` that computes the last step. */
export interface ForaSpec extends Predicting {
  readonly policy: 'fora';
  readonly interval: number;
}

/**
 * `fixedIntervalSchedule`, with one interval or one for each kind of branch. By default `hold` is FORA, and a forecasting
 * predictor counts from the start, after two full steps, so that it has what it reads.
 */
export interface IntervalSpec
  extends Predicting,
    Pick<FixedIntervalScheduleOptions, 'align' | 'initialSteps'> {
  readonly policy: 'interval';
  readonly interval?: number;
  readonly attention?: number;
  readonly crossAttention?: number;
  readonly mlp?: number;
}

/** `deltaDitSchedule`. */
export interface DeltaDitSpec
  extends Predicting,
    Pick<DeltaDitScheduleOptions, 'boundary' | 'cachedBlocks' | 'interval'> {
  readonly policy: 'delta-dit';
}

/** `pabSchedule`: ranges by kind of branch, each in a window of model times. */
export interface PabSpec extends Predicting {
  readonly policy: 'pab';
  readonly attention?: number;
  readonly crossAttention?: number;
  readonly mlp?: number;
  /** End of the window of kinds that have none of their own. Default 100. */
  readonly low?: number;
  /** Start of that window. Default 800. */
  readonly high?: number;
  /** Window of attention alone, `low-high`, such as `450-930`. */
  readonly attentionWindow?: string;
  readonly crossAttentionWindow?: string;
  readonly mlpWindow?: string;
  /**
   * MLPs that are predicted after single steps: the model time of the step, blocks, and in how many steps after it, 2 by
   * default. Open-Sora's: `676:0-4:2/788:0-4:2/864:0-4:2`.
   */
  readonly mlpAfter?: string;
}

/** `smoothCacheSchedule` of a calibration, or a schedule file of the official code. */
export interface SmoothCacheSpec extends Predicting {
  readonly policy: 'smoothcache';
  readonly file: string;
  /** Of a calibration, which needs it. */
  readonly threshold?: number;
  /** Of a calibration. */
  readonly per?: Granularity;
  /** Names in an official file: those of the DiT code or of diffusers. Default `dit`. */
  readonly components?: 'dit' | 'diffusers';
}

/** `magCacheSchedule` of a calibration. */
export interface MagCacheSpec
  extends Predicting,
    Pick<MagCacheScheduleOptions, 'threshold' | 'maxSkips' | 'retention' | 'per'> {
  readonly policy: 'magcache';
  readonly file: string;
}

/** `taylorSeerSchedule`. */
export interface TaylorSeerSpec
  extends Pick<TaylorSeerScheduleOptions, 'interval' | 'warmUp' | 'anchor' | 'fullFrom'> {
  readonly policy: 'taylorseer';
  /** Of the predictor `taylor-<order>`, an integer from 0, which is reuse, to 8. Default 4, as in the paper. */
  readonly order?: number;
}

/** `firstBlockCachePolicy`. */
export interface FirstBlockSpec extends Predicting {
  readonly policy: 'first-block';
  readonly threshold?: number;
}

/** `dualBlockCachePolicy`. */
export interface DualBlockSpec extends Predicting, Omit<DualBlockCacheOptions, 'computedSteps'> {
  readonly policy: 'dbcache';
  /** Steps that compute everything whatever the change, counted from 0, with slashes between: `0-7/12`. Default none. */
  readonly computedSteps?: string;
}

/** `teaCachePolicy` with the polynomial of a calibration. */
export interface TeaCacheSpec extends Predicting, Omit<TeaCacheOptions, 'coefficients'> {
  readonly policy: 'teacache';
  readonly file: string;
}

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

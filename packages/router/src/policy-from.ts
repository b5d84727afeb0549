import {
  type BranchKind,
  type CacheMethod,
  type CacheSchedule,
  computeAll,
  IncompatibleError,
  InvalidArgumentError,
  PREDICTOR_NAMES,
  type PredictorChoice,
  parseJson,
  type RouterFile,
  UnsupportedError,
} from '@harmonica/core';
import { z } from 'zod';
import { parseCacheDocument } from './cache-document.js';
import { type Calibration, parseCalibration } from './calibration.js';
import { assertCompatible, assertScheduleFits } from './compatibility.js';
import { deltaDitSchedule } from './delta-dit-schedule.js';
import { dualBlockCachePolicy } from './dual-block-cache-policy.js';
import type { DynamicPolicy } from './dynamic-policy.js';
import { firstBlockCachePolicy } from './first-block-cache-policy.js';
import { fixedIntervalSchedule } from './fixed-interval-schedule.js';
import { magCacheSchedule } from './mag-cache-schedule.js';
import {
  type Broadcast,
  type MlpBroadcast,
  type PabScheduleOptions,
  pabSchedule,
} from './pab-schedule.js';
import {
  type DualBlockSpec,
  formatPolicySpec,
  type IntervalSpec,
  type PabSpec,
  type PolicySpec,
  parsePolicySpec,
  type ScheduleSpec,
  type SmoothCacheSpec,
  type TaylorSeerSpec,
} from './policy-spec.js';
import { predictorByName } from './predictor-by-name.js';
import type { RunSetting } from './provenance.js';
import { integersIn, mlpBroadcastsIn, windowIn } from './setting-lists.js';
import {
  DIFFUSERS_COMPONENTS,
  DIT_COMPONENTS,
  parseSmoothCacheSchedule,
} from './smooth-cache-file.js';
import { smoothCacheSchedule } from './smooth-cache-schedule.js';
import { taylorSeerSchedule } from './taylor-seer-schedule.js';
import { teaCachePolicy } from './tea-cache-policy.js';
import { toSchedule } from './to-schedule.js';
import { withCache } from './with-cache.js';
import { withPolicy } from './with-policy.js';

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

/** The run that {@link policyFrom} makes a policy for. */
export interface PolicyContext extends RunSetting {
  /** The text of a file that a spec names. Without it such specs are refused. */
  readonly read?: ((file: string) => Promise<string>) | undefined;
}

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

function computedStepsOf({ computedSteps: text }: DualBlockSpec): readonly number[] {
  return text === undefined ? [] : integersIn({ argument: 'computed-steps', text });
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

/**
 * Where a fixed interval best counts from: `hold` is FORA, which computes the last step and one at the start; forecasting
 * predictors count from the start, after two full steps, so that they have what they read.
 */
export function intervalStart(options: {
  readonly steps: number;
  readonly predictor: PredictorChoice;
}): { readonly align: 'first' | 'last'; readonly initialSteps: number } {
  const { steps, predictor } = options;
  if (predictor === 'hold') return { align: 'last', initialSteps: 1 };
  return { align: 'first', initialSteps: Math.min(steps, 2) };
}

function intervalSchedule(spec: IntervalSpec, { spec: model, plan }: PolicyContext): CacheSchedule {
  const { interval, attention, crossAttention, mlp, predictor = 'hold' } = spec;
  const kinds = { attention, 'cross-attention': crossAttention, mlp };
  const given = Object.entries(kinds).filter(([, value]) => value !== undefined);
  if ((interval === undefined) === (given.length === 0)) {
    throw new InvalidArgumentError({
      argument: 'interval',
      value: interval,
      expected: 'one interval, or one for some of attention, cross-attention and mlp',
    });
  }
  const steps = plan.steps.length;
  const { align, initialSteps } = { ...intervalStart({ steps, predictor }), ...spec };
  return fixedIntervalSchedule({
    steps,
    branches: model.branches,
    interval: interval ?? Object.fromEntries(given),
    align,
    initialSteps,
    predictor,
  });
}

function broadcastOf(spec: PabSpec): PabScheduleOptions['broadcast'] {
  const { low = 100, high = 800, mlpAfter } = spec;
  const kinds = [
    ['attention', spec.attention, spec.attentionWindow],
    ['cross-attention', spec.crossAttention, spec.crossAttentionWindow],
    ['mlp', spec.mlp, spec.mlpWindow],
  ] as const;
  const broadcast: { [Kind in BranchKind]?: Broadcast } = {};
  for (const [kind, range, text] of kinds) {
    const argument = `${kind}-window`;
    if (range !== undefined) {
      const window = text === undefined ? ([low, high] as const) : windowIn({ argument, text });
      broadcast[kind] = { range, window };
    } else if (text !== undefined) {
      const expected = `a range beside it: ${kind}=2`;
      throw new InvalidArgumentError({ argument, value: text, expected });
    }
  }
  if (mlpAfter !== undefined || Object.keys(broadcast).length > 0) return broadcast;
  throw new InvalidArgumentError({
    argument: 'ranges of pab',
    value: 'none',
    expected: 'one for some of attention, cross-attention and mlp, or mlp-after',
  });
}

function mlpAfterOf({ mlpAfter: text }: PabSpec): readonly MlpBroadcast[] {
  return text === undefined ? [] : mlpBroadcastsIn({ argument: 'mlp-after', text });
}

function taylorOf({ order = 4 }: TaylorSeerSpec): PredictorChoice {
  const predictor = PREDICTOR_NAMES.find((name) => name === `taylor-${order}`);
  if (predictor) return predictor;
  throw new InvalidArgumentError({
    argument: 'order',
    value: order,
    expected: 'an integer from 0 to 8',
  });
}

async function smoothCache(spec: SmoothCacheSpec, context: PolicyContext): Promise<CacheSchedule> {
  const { file, threshold, components, predictor } = spec;
  const { branches } = context.spec;
  const text = await readText(file, context);
  if (isCalibration(text, file)) {
    refuse({ components }, 'a calibration', 'schedule file of the official code');
    const recorded = await calibrationIn(file, 'smoothcache', context);
    if (threshold === undefined) {
      throw new InvalidArgumentError({
        argument: 'threshold',
        value: undefined,
        expected: 'the largest change to let pass, such as 0.1',
        fix: `A calibration needs it: smoothcache:${file},threshold=0.1.`,
      });
    }
    const { provenance } = recorded;
    return smoothCacheSchedule({ ...spec, threshold, recorded, branches, provenance });
  }
  refuse({ threshold, per: spec.per }, 'a schedule file of the official code', 'calibration');
  const schedule = parseSmoothCacheSchedule({
    text,
    source: file,
    branches,
    components: components === 'diffusers' ? DIFFUSERS_COMPONENTS : DIT_COMPONENTS,
  });
  assertScheduleFits(schedule, { spec: context.spec, steps: context.plan.steps.length });
  return predictor ? { ...schedule, predictor } : schedule;
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

/** Refuses settings that a file does not have. */
function refuse(settings: Readonly<Record<string, unknown>>, what: string, whose: string): void {
  for (const [argument, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    const expected = `nothing beside ${what}: it is a setting of a ${whose}`;
    throw new InvalidArgumentError({ argument, value, expected });
  }
}

async function calibrationIn<Method extends Calibration['method']>(
  file: string,
  method: Method,
  context: PolicyContext,
): Promise<Extract<Calibration, { method: Method }>> {
  const calibration = parseCalibration(await readText(file, context), file);
  if (calibration.method !== method) {
    throw new IncompatibleError({
      what: `The method that ${file} calibrates`,
      actual: calibration.method,
      expected: method,
      fix: `Calibrate ${method}, or use the policy ${calibration.method}.`,
    });
  }
  assertCompatible(calibration, context);
  return calibration as Extract<Calibration, { method: Method }>;
}

function isCalibration(text: string, source: string): boolean {
  const { kind } = parseJson({ source, text, schema: z.record(z.string(), z.unknown()) });
  return kind === 'calibration';
}

function readText(file: string, { read }: PolicyContext): Promise<string> {
  if (read) return read(file);
  throw new UnsupportedError({ feature: `the file ${file}`, engine: 'policyFrom without read' });
}

function assertPredictors(predictor: PredictorChoice, { plan }: PolicyContext): void {
  const steps = plan.steps.length;
  if (typeof predictor === 'string' || predictor.length === steps) return;
  throw new InvalidArgumentError({
    argument: 'predictor',
    value: predictor,
    expected: `one name, or one for each of ${steps} steps`,
  });
}

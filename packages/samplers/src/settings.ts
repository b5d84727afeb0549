import { assertArgument } from '@harmonica/core';
import { z } from 'zod';
import { createNoiseSchedule, type NoiseScheduleName } from './schedules/noise-schedule.js';
import { tauBetween } from './solvers/sa-solver-plan.js';

/** A setting that samplers have, for options and files. What it may be with which sampler is left to the sampler. */
export interface SamplerSetting<T = unknown> {
  /** For people, in a few words. */
  readonly description: string;
  /** What stands for a value in help, such as `n`. */
  readonly placeholder: string;
  /** What a value may be, in words. */
  readonly expected: string;
  /** Reads a value, or a text that stands for one. Made when it is needed. */
  readonly schema: () => z.ZodType<T>;
  /** What the sampler's plan calls it, where that is not its own name. */
  readonly planOption?: string;
  /** The value that the plan takes, where it is not the setting's. */
  readonly toPlan?: (value: T) => unknown;
}

/** Model times between `from` and `to` at which SA-Solver is as stochastic as `value`. */
export interface TauRange {
  readonly from: number;
  readonly to: number;
  readonly value?: number | undefined;
}

const TABLE = {
  prediction: choice('what the model predicts', ['epsilon', 'sample', 'velocity']),
  schedule: {
    ...choice('noise schedule', ['linear', 'scaled-linear', 'squared-cosine']),
    toPlan: (name: NoiseScheduleName) => createNoiseSchedule({ name }),
  },
  spacing: choice('of timesteps', [
    'guided-diffusion',
    'leading',
    'trailing',
    'linspace',
    'continuous',
  ]),
  stepsOffset: integer('of leading spacing'),
  sigmaSpacing: choice('spreads noise levels anew', ['karras', 'exponential', 'beta']),
  timeRounding: choice('of times between timesteps', ['nearest', 'down', 'none']),
  finalSigma: choice('where the last step leads', ['zero', 'min']),
  minLogSnr: number('leaves out noisier timesteps'),
  clip: {
    ...number('keeps predicted samples in [-x, x]'),
    toPlan: (x: number) => ({ min: -x, max: x }),
  },
  dynamicThreshold: setting<{ readonly ratio: number; readonly max: number }>({
    description: 'limits predicted samples by a quantile, such as 0.995,2',
    placeholder: 'ratio,max',
    expected: 'a ratio and a maximum, such as 0.995,2',
    schema: () =>
      z.union([
        z.object({ ratio: z.number(), max: z.number() }),
        parts(',', z.tuple([numeric(), numeric()])).transform(([ratio, max]) => ({ ratio, max })),
      ]),
    planOption: 'threshold',
  }),
  eta: number('noise, 0 to 1'),
  order: integer('of the solver'),
  solver: choice('rule of the solver', ['midpoint', 'heun', 'paper', 'bh1', 'bh2']),
  lowerOrderFinal: yesOrNo('lower orders at the end'),
  eulerAtFinal: yesOrNo('a last step of first order'),
  integrate: choice('what is integrated', ['sample', 'epsilon']),
  uncorrected: setting<'all' | readonly number[]>({
    description: 'all, or steps without corrector, such as 0,1',
    placeholder: 'steps',
    expected: 'all, or steps such as 0,1',
    schema: () => z.union([z.literal('all'), parts(',', z.array(numeric(z.int().min(0))))]),
  }),
  predictorOrder: integer('order of the predictor'),
  correctorOrder: integer('order of the corrector, 0 for none'),
  tau: setting<TauRange>({
    description: 'stochasticity: a number, or times and a number, such as 200-800:1',
    placeholder: 'tau',
    expected: 'a number of at least 0, or times and such a number, such as 200-800:1',
    schema: () =>
      z.union([
        z.object({
          from: z.number(),
          to: z.number().or(z.literal(Number.POSITIVE_INFINITY)),
          value: z.number().optional(),
        }),
        numeric(z.number().min(0)).transform((value) => ({ from: 0, to: Infinity, value })),
        parts(
          /[-:]/,
          z
            .array(numeric(z.number().min(0)))
            .min(2)
            .max(3),
        ).transform(
          ([from = 0, to = 0, value]): TauRange => ({
            from,
            to,
            ...(value !== undefined && { value }),
          }),
        ),
      ]),
    toPlan: ({ from, to, value }) =>
      tauBetween({ from, to, ...(value !== undefined && { value }) }),
  }),
  shift: number('towards noise, 3 for Stable Diffusion 3'),
  dynamicShift: {
    ...integer('a shift that follows the tokens of the image'),
    placeholder: 'tokens',
    toPlan: (tokens: number) => ({ tokens }),
  },
  shiftTerminal: number('last noise level'),
  sigmaMin: number('lowest noise level before the shift'),
  stochastic: yesOrNo('adds fresh noise at every step'),
  interpolant: {
    ...choice('path between noise and data', ['linear', 'gvp']),
    planOption: 'path',
  },
  method: choice('heun evaluates the model twice per step', ['euler', 'heun']),
  startTime: { ...number('in [0, 1)'), planOption: 'start' },
  stopTime: { ...number('in (0, 1]'), planOption: 'stop' },
  diffusion: choice('diffusion coefficient', [
    'sigma',
    'constant',
    'sbdm',
    'linear',
    'decreasing',
    'increasing-decreasing',
  ]),
  diffusionNorm: number('factor of the diffusion'),
  lastStep: choice('how the last stretch is gone', ['mean', 'euler', 'tweedie', 'none']),
  lastStepSize: number('length of the last step'),
};

/** A setting that some samplers have. */
export type SettingName = keyof typeof TABLE;

/** The values of every setting; its range is checked by each sampler that has it. */
export type SettingValues = {
  readonly [Name in SettingName]: z.infer<ReturnType<(typeof TABLE)[Name]['schema']>>;
};

/** The settings of a sampler that were given. */
export type SamplerSettings = { readonly [Name in SettingName]?: SettingValues[Name] | undefined };

/** Every setting, one entry each. */
export const SAMPLER_SETTINGS: {
  readonly [Name in SettingName]: SamplerSetting<SettingValues[Name]>;
} = TABLE;

/** Names of all settings. */
export const SETTING_NAMES = Object.keys(SAMPLER_SETTINGS) as readonly SettingName[];

/**
 * The value of a setting as an option of a command or a file has it: the value itself, or text such as `0.995,2`.
 *
 * @throws {@link InvalidArgumentError} if it is none of the setting
 */
export function readSetting<Name extends SettingName>(
  name: Name,
  value: unknown,
): SettingValues[Name] {
  const { schema, expected } = SAMPLER_SETTINGS[name] as SamplerSetting<SettingValues[Name]>;
  const { success, data } = schema().safeParse(value);
  assertArgument({ [name]: value }, expected, success);
  return data;
}

/** The settings that were given, by name. */
export function givenSettings(settings: SamplerSettings): readonly SettingName[] {
  return SETTING_NAMES.filter((name) => settings[name] !== undefined);
}

/** The settings among options that hold more than them. */
export function settingsIn(options: SamplerSettings): SamplerSettings {
  return Object.fromEntries(givenSettings(options).map((name) => [name, options[name]]));
}

/** Settings as the options of a plan. */
export function planOptionsOf(settings: SamplerSettings): Readonly<Record<string, unknown>> {
  const entries = givenSettings(settings).map((name) => {
    const { planOption = name, toPlan = (value: unknown) => value } = SAMPLER_SETTINGS[
      name
    ] as SamplerSetting;
    return [planOption, toPlan(settings[name])];
  });
  return Object.fromEntries(entries);
}

/** A setting that is written out. */
function setting<T>(entry: SamplerSetting<T>): SamplerSetting<T> {
  return entry;
}

function choice<const T extends string>(what: string, choices: readonly T[]): SamplerSetting<T> {
  return {
    description: `${what}: ${choices.join(', ')}`,
    placeholder: 'name',
    expected: `one of ${choices.join(', ')}`,
    schema: () => z.enum(choices) as unknown as z.ZodType<T>,
  };
}

function number(description: string): SamplerSetting<number> {
  return { description, placeholder: 'x', expected: 'a finite number', schema: () => numeric() };
}

function integer(description: string): SamplerSetting<number> {
  const schema = () => numeric(z.int().min(0));
  return { description, placeholder: 'n', expected: 'an integer of at least 0', schema };
}

function yesOrNo(description: string): SamplerSetting<boolean> {
  return {
    description,
    placeholder: 'yes|no',
    expected: 'one of yes, no',
    schema: () => z.union([z.boolean(), z.enum(['yes', 'no']).transform((word) => word === 'yes')]),
  };
}

/** A number, or text that is one. */
function numeric(schema: z.ZodType<number, number> = z.number()): z.ZodType<number> {
  const read = (value: unknown) =>
    typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return z.preprocess(read, schema);
}

/** A list, or text that is one with separators; a number stands for a list of its own. */
function parts<T>(separator: string | RegExp, schema: z.ZodType<T>): z.ZodType<T> {
  const read = (value: unknown) => {
    const text = typeof value === 'number' ? String(value) : value;
    return typeof text === 'string' ? text.split(separator) : text;
  };
  return z.preprocess(read, schema);
}

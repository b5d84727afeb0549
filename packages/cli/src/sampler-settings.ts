import type { Prediction } from '@harmonica/core';
import {
  createNoiseSchedule,
  type NoiseScheduleName,
  type SigmaSpacing,
  type SitDiffusion,
  type SitLastStep,
  type SitPath,
  type SolverSpace,
  type SolverSpacing,
  type TimeRounding,
  type TimestepSpacing,
  tauBetween,
} from '@harmonica/samplers';
import { type Command, InvalidArgumentError } from 'commander';
import { choiceOption, integerListOption, integerOption, numberOption } from './option-values.js';

/** A setting of samplers as an option. What it may be with which sampler is left to the sampler. */
interface SamplerSetting<T> {
  readonly flags: string;
  readonly description: string;
  readonly parse: (text: string) => T;
  /** What the sampler's plan calls it, where that is not its own name. */
  readonly planOption?: string;
  /** The value that the plan takes, where it is not the option's. */
  readonly toPlan?: (value: T) => unknown;
}

/** Model times between `from` and `to` at which SA-Solver is as stochastic as `value`. */
interface TauRange {
  readonly from: number;
  readonly to: number;
  readonly value?: number;
}

interface SettingValues {
  readonly prediction: Prediction;
  readonly schedule: NoiseScheduleName;
  readonly spacing: TimestepSpacing | SolverSpacing;
  readonly stepsOffset: number;
  readonly sigmaSpacing: SigmaSpacing;
  readonly timeRounding: TimeRounding;
  readonly finalSigma: 'zero' | 'min';
  readonly minLogSnr: number;
  readonly clip: number;
  readonly dynamicThreshold: { readonly ratio: number; readonly max: number };
  readonly eta: number;
  readonly order: number;
  readonly solver: 'midpoint' | 'heun' | 'paper' | 'bh1' | 'bh2';
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
  readonly integrate: SolverSpace;
  readonly uncorrected: 'all' | readonly number[];
  readonly predictorOrder: number;
  readonly correctorOrder: number;
  readonly tau: TauRange;
  readonly shift: number;
  readonly dynamicShift: number;
  readonly shiftTerminal: number;
  readonly sigmaMin: number;
  readonly stochastic: boolean;
  readonly interpolant: SitPath;
  readonly method: 'euler' | 'heun';
  readonly startTime: number;
  readonly stopTime: number;
  readonly diffusion: SitDiffusion;
  readonly diffusionNorm: number;
  readonly lastStep: SitLastStep;
  readonly lastStepSize: number;
}

/** A setting that some samplers have. */
export type SettingName = keyof SettingValues;

/** The settings of a sampler that were given. */
export type SamplerSettings = { readonly [Name in SettingName]?: SettingValues[Name] | undefined };

/** One option for each setting. */
export const SAMPLER_SETTINGS: {
  readonly [Name in SettingName]: SamplerSetting<SettingValues[Name]>;
} = {
  prediction: choice('--prediction <name>', 'what the model predicts', [
    'epsilon',
    'sample',
    'velocity',
  ]),
  schedule: {
    ...choice('--schedule <name>', 'noise schedule', [
      'linear',
      'scaled-linear',
      'squared-cosine',
    ] as const),
    toPlan: (name) => createNoiseSchedule({ name }),
  },
  spacing: choice('--spacing <name>', 'of timesteps', [
    'guided-diffusion',
    'even',
    'leading',
    'trailing',
    'linspace',
    'continuous',
  ]),
  stepsOffset: integer('--steps-offset <n>', 'of leading spacing'),
  sigmaSpacing: choice('--sigma-spacing <name>', 'spreads noise levels anew', [
    'karras',
    'exponential',
    'beta',
  ]),
  timeRounding: choice('--time-rounding <name>', 'of times between timesteps', [
    'nearest',
    'down',
    'none',
  ]),
  finalSigma: choice('--final-sigma <name>', 'where the last step leads', ['zero', 'min']),
  minLogSnr: number('--min-log-snr <x>', 'leaves out noisier timesteps'),
  clip: {
    ...number('--clip <x>', 'keeps predicted samples in [-x, x]'),
    toPlan: (x) => ({ min: -x, max: x }),
  },
  dynamicThreshold: {
    flags: '--dynamic-threshold <ratio,max>',
    description: 'limits predicted samples by a quantile, such as 0.995,2',
    parse: parseThreshold,
    planOption: 'threshold',
  },
  eta: number('--eta <x>', 'noise, 0 to 1'),
  order: integer('--order <n>', 'of the solver'),
  solver: choice('--solver <name>', 'rule of the solver', [
    'midpoint',
    'heun',
    'paper',
    'bh1',
    'bh2',
  ]),
  lowerOrderFinal: yesOrNo('--lower-order-final <yes|no>', 'lower orders at the end'),
  eulerAtFinal: yesOrNo('--euler-at-final <yes|no>', 'a last step of first order'),
  integrate: choice('--integrate <name>', 'what is integrated', ['sample', 'epsilon']),
  uncorrected: {
    flags: '--uncorrected <steps>',
    description: 'all, or steps without corrector, such as 0,1',
    parse: (text) => (text === 'all' ? text : integerListOption({ min: 0 })(text)),
  },
  predictorOrder: integer('--predictor-order <n>', 'order of the predictor'),
  correctorOrder: integer('--corrector-order <n>', 'order of the corrector, 0 for none'),
  tau: {
    flags: '--tau <tau>',
    description: 'stochasticity: a number, or times and a number, such as 200-800:1',
    parse: parseTau,
    toPlan: tauBetween,
  },
  shift: number('--shift <x>', 'towards noise, 3 for Stable Diffusion 3'),
  dynamicShift: {
    ...integer('--dynamic-shift <tokens>', 'a shift that follows the tokens of the image'),
    toPlan: (tokens) => ({ tokens }),
  },
  shiftTerminal: number('--shift-terminal <x>', 'last noise level'),
  sigmaMin: number('--sigma-min <x>', 'lowest noise level before the shift'),
  stochastic: yesOrNo('--stochastic <yes|no>', 'adds fresh noise at every step'),
  interpolant: {
    ...choice('--interpolant <name>', 'path between noise and data', ['linear', 'gvp'] as const),
    planOption: 'path',
  },
  method: choice('--method <name>', 'heun evaluates the model twice per step', ['euler', 'heun']),
  startTime: { ...number('--start-time <x>', 'in [0, 1)'), planOption: 'start' },
  stopTime: { ...number('--stop-time <x>', 'in (0, 1]'), planOption: 'stop' },
  diffusion: choice('--diffusion <name>', 'diffusion coefficient', [
    'sigma',
    'constant',
    'sbdm',
    'linear',
    'decreasing',
    'increasing-decreasing',
  ]),
  diffusionNorm: number('--diffusion-norm <x>', 'factor of the diffusion'),
  lastStep: choice('--last-step <name>', 'how the last stretch is gone', [
    'mean',
    'euler',
    'tweedie',
    'none',
  ]),
  lastStepSize: number('--last-step-size <x>', 'length of the last step'),
};

/** Names of all settings. */
export const SETTING_NAMES = Object.keys(SAMPLER_SETTINGS) as readonly SettingName[];

/** Adds an option for each setting, under a heading of their own. */
export function addSamplerSettings(command: Command, samplersOf: (name: SettingName) => string) {
  for (const name of SETTING_NAMES) {
    const { flags, description, parse } = SAMPLER_SETTINGS[name];
    const option = command.createOption(flags, `${description} (${samplersOf(name)})`);
    command.addOption(
      option.argParser(parse as (text: string) => unknown).helpGroup('Sampler options:'),
    );
  }
  return command;
}

/** The settings that were given, by name. */
export function givenSettings(settings: SamplerSettings): readonly SettingName[] {
  return SETTING_NAMES.filter((name) => settings[name] !== undefined);
}

/** The settings among the options of a command. */
export function settingsIn(options: SamplerSettings): SamplerSettings {
  return Object.fromEntries(givenSettings(options).map((name) => [name, options[name]]));
}

/** Settings as the options of a plan. */
export function planOptionsOf(settings: SamplerSettings): Readonly<Record<string, unknown>> {
  const entries = givenSettings(settings).map((name) => {
    const { planOption = name, toPlan = (value) => value } = SAMPLER_SETTINGS[
      name
    ] as SamplerSetting<unknown>;
    return [planOption, toPlan(settings[name])];
  });
  return Object.fromEntries(entries);
}

/** The option of a setting without its value, such as `--steps-offset`. */
export function flagOf(name: SettingName): string {
  return SAMPLER_SETTINGS[name].flags.split(' ', 1)[0] as string;
}

function choice<T extends string>(
  flags: string,
  description: string,
  choices: readonly T[],
): SamplerSetting<T> {
  const parse = choiceOption(choices);
  return { flags, description: `${description}: ${choices.join(', ')}`, parse };
}

function number(flags: string, description: string): SamplerSetting<number> {
  return { flags, description, parse: numberOption() };
}

function integer(flags: string, description: string): SamplerSetting<number> {
  return { flags, description, parse: integerOption({ min: 0 }) };
}

function yesOrNo(flags: string, description: string): SamplerSetting<boolean> {
  const parse = choiceOption(['yes', 'no']);
  return { flags, description, parse: (text) => parse(text) === 'yes' };
}

function parseThreshold(text: string): SettingValues['dynamicThreshold'] {
  const [ratio, max, ...rest] = text.split(',').map(numberOption());
  if (ratio !== undefined && max !== undefined && rest.length === 0) return { ratio, max };
  throw new InvalidArgumentError('Expected a ratio and a maximum, such as 0.995,2.');
}

function parseTau(text: string): TauRange {
  const parse = numberOption({ min: 0 });
  const [, from, to, value] = /^([^-:]+)-([^-:]+)(?::(.+))?$/.exec(text) ?? [];
  if (from === undefined || to === undefined) {
    return { from: 0, to: Number.POSITIVE_INFINITY, value: parse(text) };
  }
  return { from: parse(from), to: parse(to), ...(value !== undefined && { value: parse(value) }) };
}

import { proxyByName, proxyNames } from '@harmonica/iepo';
import { predictorNames } from '@harmonica/router';
import {
  defaultConfig,
  type InitialLogits,
  l2cConfig,
  paperConfig,
  SETTING_DEFAULTS,
  type TrainingConfig,
} from '@harmonica/sdt';
import { type Command, InvalidArgumentError } from 'commander';
import { choiceOption, integerOption, numberOption } from './option-values.js';

/** Names for `--preset`. */
export const PRESETS = { default: defaultConfig, paper: paperConfig, l2c: l2cConfig } as const;

export type PresetName = keyof typeof PRESETS;

/** Every field of a training config, where it was given. */
export type TrainingOptions = { readonly [Field in keyof TrainingConfig]?: TrainingConfig[Field] };

/** A description that names what programs can add to is made when it is asked for. */
type ConfigOption<T> = readonly [
  flags: string,
  description: string | (() => string),
  parse: (text: string) => T,
];

const TRAINERS = ['sdt', 'l2c'] as const;

/** Whether a text names a trainer. */
export function isTrainer(text: string): text is (typeof TRAINERS)[number] {
  return TRAINERS.some((trainer) => trainer === text);
}

const BATCHES = ['fresh', 'repeated'] as const;
const COST_NAMES: readonly TrainingConfig['costs'][] = ['uniform', 'macs', 'ms'];
/** A choice for each step is one more than there are predictors. */
const predictorChoices = () => [...predictorNames(), 'per-step'];
const GRANULARITIES: readonly TrainingConfig['granularity'][] = ['branch', 'step'];
const count = integerOption({ min: 1 });
const positive = numberOption({ min: Number.MIN_VALUE });
const fraction = numberOption({ min: 0, max: 1 });

/**
 * One option for each field; the compiler asks for the option of a new field. Names that programs can add to are looked up
 * when they are asked for.
 */
export const CONFIG_OPTIONS: {
  readonly [Field in keyof Required<TrainingConfig>]: ConfigOption<TrainingConfig[Field]>;
} = {
  trainer: [
    '--trainer <name>',
    `${TRAINERS.join(', ')}: from noise, or Learning-to-Cache on images`,
    choiceOption(TRAINERS),
  ],
  seed: ['--seed <n>', 'everything random follows from it', integerOption({ min: 0 })],
  batchSize: ['--batch-size <n>', 'images per trajectory, or per update of l2c', count],
  microBatch: [
    '--micro-batch <n>',
    `samples at a time, two per guided image (default: ${SETTING_DEFAULTS.microBatch}): less takes less memory`,
    count,
  ],
  iterations: ['--iterations <n>', 'router updates, one per step of a trajectory', count],
  learningRate: ['--learning-rate <x>', 'of AdamW, at the start', positive],
  finalLearningRate: [
    '--final-learning-rate <x>',
    'of AdamW, at the end of half a cosine',
    positive,
  ],
  beta: [
    '--beta <x>',
    'weight of the compute penalty, at the start if a target adapts it',
    numberOption({ min: 0 }),
  ],
  targetSpeedup: [
    '--target-speedup <x>',
    'speed-up to reach, by MACs or measured costs; adapts beta and sets the threshold',
    numberOption({ min: 1 }),
  ],
  costs: [
    '--costs <name>',
    `what a branch costs: ${COST_NAMES.join(', ')} (measured here)`,
    choiceOption(COST_NAMES),
  ],
  proxy: [
    '--proxy <name>',
    () => `lambda(t): ${proxyNames().join(', ')}`,
    (text) => choiceOption(proxyNames())(text),
  ],
  refreshEvery: ['--refresh-every <n>', 'updates between two refreshes of lambda', count],
  refreshShare: ['--refresh-share <x>', 'weight of a new lambda in the running average', fraction],
  predictor: [
    '--predictor <name>',
    () => `what stands in for a branch: ${predictorChoices().join(', ')}`,
    (text) => choiceOption(predictorChoices())(text),
  ],
  granularity: [
    '--granularity <name>',
    `what has a logit of its own: ${GRANULARITIES.join(', ')}`,
    choiceOption(GRANULARITIES),
  ],
  threshold: ['--threshold <x>', 'scores above it compute', fraction],
  initial: [
    '--initial <logits>',
    'normal, or interval:2:2 (every 2nd step computed, more seldom if the target needs it; the first 2 full)',
    parseInitial,
  ],
  hardFinish: ['--hard-finish <x>', 'last part of the run that applies hard masks', fraction],
  swaps: [
    '--swaps <n>',
    'rounds of a search, after the last update, for steps that had better change places',
    integerOption({ min: 0 }),
  ],
  batches: [
    '--batches <name>',
    `${BATCHES.join(', ')}: the same ones after every refresh of lambda`,
    choiceOption(BATCHES),
  ],
};

/** Adds an option for every field of the training config. */
export function addTrainingOptions(command: Command): Command {
  for (const [flags, description, parse] of Object.values(CONFIG_OPTIONS)) {
    const text = typeof description === 'string' ? description : description();
    command.option(flags, text, parse as (value: string) => unknown);
  }
  const proxies = proxyNames().map((name) => `  ${name}\n    ${proxyByName(name).summary}`);
  return command.addHelpText('after', `\nProxies, which find lambda(t):\n${proxies.join('\n')}`);
}

/** `base` with the fields that were given, in one order, so that equal configs are written alike. */
export function trainingConfig(base: TrainingConfig, options: TrainingOptions): TrainingConfig {
  const merged = { ...base, ...definedOf(options) };
  const fields = Object.keys(CONFIG_OPTIONS) as (keyof TrainingConfig)[];
  const ordered = fields.filter((field) => merged[field] !== undefined);
  const entries = ordered.map((field) => [field, merged[field]]);
  return Object.fromEntries(entries) as TrainingConfig;
}

function definedOf(options: TrainingOptions): Partial<TrainingConfig> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function parseInitial(text: string): InitialLogits {
  if (text === 'normal') return { kind: 'normal' };
  const [, interval, initialSteps = '2'] = /^interval:(\d+)(?::(\d+))?$/.exec(text) ?? [];
  if (interval !== undefined) {
    return { kind: 'interval', interval: count(interval), initialSteps: count(initialSteps) };
  }
  throw new InvalidArgumentError('Expected normal, interval:2 or interval:2:2.');
}

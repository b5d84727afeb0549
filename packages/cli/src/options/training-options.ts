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

interface ConfigOption<T> {
  readonly flags: string;
  readonly description: string;
  readonly parse: (text: string) => T;
}

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
const positive = numberOption({ min: Number.MIN_VALUE });
const fraction = numberOption({ min: 0, max: 1 });

/**
 * One option for each field; the compiler asks for the option of a new field. Names that programs can add to are looked up
 * when they are asked for.
 */
export const CONFIG_OPTIONS: {
  readonly [Field in keyof Required<TrainingConfig>]: ConfigOption<TrainingConfig[Field]>;
} = {
  trainer: {
    flags: '--trainer <name>',
    description: `${TRAINERS.join(', ')}: from noise, or Learning-to-Cache on images`,
    parse: choiceOption(TRAINERS),
  },
  seed: {
    flags: '--seed <n>',
    description: 'everything random follows from it',
    parse: integerOption({ min: 0 }),
  },
  batchSize: {
    flags: '--batch-size <n>',
    description: 'images per trajectory, or per update of l2c',
    parse: integerOption({ min: 1 }),
  },
  microBatch: {
    flags: '--micro-batch <n>',
    description: `samples at a time, two per guided image (default: ${SETTING_DEFAULTS.microBatch}): less takes less memory`,
    parse: integerOption({ min: 1 }),
  },
  iterations: {
    flags: '--iterations <n>',
    description: 'router updates, one per step of a trajectory',
    parse: integerOption({ min: 1 }),
  },
  learningRate: {
    flags: '--learning-rate <x>',
    description: 'of AdamW, at the start',
    parse: positive,
  },
  finalLearningRate: {
    flags: '--final-learning-rate <x>',
    description: 'of AdamW, at the end of half a cosine',
    parse: positive,
  },
  beta: {
    flags: '--beta <x>',
    description: 'weight of the compute penalty, at the start if a target adapts it',
    parse: numberOption({ min: 0 }),
  },
  targetSpeedup: {
    flags: '--target-speedup <x>',
    description: 'speed-up to reach, by MACs or measured costs; adapts beta and sets the threshold',
    parse: numberOption({ min: 1 }),
  },
  costs: {
    flags: '--costs <name>',
    description: `what a branch costs: ${COST_NAMES.join(', ')} (measured here)`,
    parse: choiceOption(COST_NAMES),
  },
  proxy: {
    flags: '--proxy <name>',
    get description() {
      return `lambda(t): ${proxyNames().join(', ')}`;
    },
    parse: (text) => choiceOption(proxyNames())(text),
  },
  refreshEvery: {
    flags: '--refresh-every <n>',
    description: 'updates between two refreshes of lambda',
    parse: integerOption({ min: 1 }),
  },
  refreshShare: {
    flags: '--refresh-share <x>',
    description: 'weight of a new lambda in the running average',
    parse: fraction,
  },
  predictor: {
    flags: '--predictor <name>',
    get description() {
      return `what stands in for a branch: ${predictorChoices().join(', ')}`;
    },
    parse: (text) => choiceOption(predictorChoices())(text),
  },
  granularity: {
    flags: '--granularity <name>',
    description: `what has a logit of its own: ${GRANULARITIES.join(', ')}`,
    parse: choiceOption(GRANULARITIES),
  },
  threshold: {
    flags: '--threshold <x>',
    description: 'scores above it compute',
    parse: fraction,
  },
  initial: {
    flags: '--initial <logits>',
    description:
      'normal, or interval:2:2 (every 2nd step computed, more seldom if the target needs it; the first 2 full)',
    parse: parseInitial,
  },
  hardFinish: {
    flags: '--hard-finish <x>',
    description: 'last part of the run that applies hard masks',
    parse: fraction,
  },
  swaps: {
    flags: '--swaps <n>',
    description:
      'rounds of a search, after the last update, for steps that had better change places',
    parse: integerOption({ min: 0 }),
  },
  batches: {
    flags: '--batches <name>',
    description: `${BATCHES.join(', ')}: the same ones after every refresh of lambda`,
    parse: choiceOption(BATCHES),
  },
};

/** Adds an option for every field of the training config. */
export function addTrainingOptions(command: Command): Command {
  for (const { flags, description, parse } of Object.values(CONFIG_OPTIONS)) {
    command.option(flags, description, parse as (text: string) => unknown);
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
  const count = integerOption({ min: 1 });
  if (interval !== undefined) {
    return { kind: 'interval', interval: count(interval), initialSteps: count(initialSteps) };
  }
  throw new InvalidArgumentError('Expected normal, interval:2 or interval:2:2.');
}

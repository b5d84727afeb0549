import {
  BACKEND_NAMES,
  type BackendName,
  type GuidanceOptions,
  type ModelOptions,
} from '@harmonica/pipeline';
import { policyHelp, policyNames, predictorNames } from '@harmonica/router';
import {
  readSetting,
  SAMPLER_NAMES,
  SAMPLER_SETTINGS,
  type SamplerOptions,
  SETTING_NAMES,
  type SettingName,
  samplersWith,
} from '@harmonica/samplers';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  channelsOption,
  choiceOption,
  integerOption,
  numberOption,
  seedsOption,
} from './option-values.js';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly backend: BackendName;
  readonly threads?: number | undefined;
  readonly debug?: boolean | undefined;
}

/** What is run, and on what: the model, how it is sampled, and its guidance. */
export interface RunOptions extends GlobalOptions, ModelOptions, SamplerOptions, GuidanceOptions {}

/** Which images to sample. */
export interface ImageOptions {
  /** Classes or prompts. Default: all in turn. */
  readonly class?: readonly string[] | undefined;
  readonly seeds: readonly number[];
  readonly batch: number;
}

/** Adds {@link GlobalOptions}. */
export function addGlobalOptions(command: Command): Command {
  return command
    .option(
      '--backend <name>',
      `engine: ${BACKEND_NAMES.join(', ')}`,
      choiceOption(BACKEND_NAMES),
      'auto',
    )
    .option('--threads <n>', 'threads of the engine', integerOption({ min: 1 }))
    .option('--debug', 'show where an error comes from');
}

/** Adds {@link RunOptions} without the global ones. */
export function addRunOptions(command: Command): Command {
  return addGuidanceOptions(addSamplerOptions(addModelOptions(command)));
}

/** Adds {@link ModelOptions}. */
export function addModelOptions(command: Command): Command {
  return command
    .option('--model <name>', 'emoji-dit, a model of the hub, a folder or a file', 'emoji-dit')
    .option('--architecture <name>', 'of a checkpoint: DiT-XL/2, pixart-alpha-256, ... or a file')
    .option('--dit <name>', 'the same as --architecture')
    .option('--part <name>', 'part of a PyTorch checkpoint, such as ema')
    .option('--variant <name>', 'form of the weights, such as fp16')
    .option('--vae <name>', 'autoencoder, in diffusers layout (default: that beside the model)')
    .option('--prompts-file <file>', 'embeddings of prompts, for models that take text')
    .option(
      '--vae-scale <x>',
      "what latents are multiplied by (default: the autoencoder's, else 0.18215)",
      numberOption({ min: 0 }),
    );
}

/** Adds `SamplerOptions`, settings under a heading of their own. Defaults are left to the command. */
export function addSamplerOptions(command: Command): Command {
  command
    .option('--sampler <name>', SAMPLER_NAMES.join(', '), choiceOption(SAMPLER_NAMES))
    .option('--steps <steps>', 'a count such as 20; for ddim and ddpm also ddim20, or 10,10,5');
  for (const name of SETTING_NAMES) {
    const { placeholder, description } = SAMPLER_SETTINGS[name];
    const flags = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const option = new Option(
      `${flags} <${placeholder}>`,
      `${description} (${namesOfSamplers(name)})`,
    );
    command.addOption(option.argParser(settingOption(name)).helpGroup('Sampler options:'));
  }
  return command;
}

/** A parser of a setting of samplers. */
function settingOption(name: SettingName) {
  const { expected } = SAMPLER_SETTINGS[name];
  return (text: string): unknown => {
    try {
      return readSetting(name, text);
    } catch {
      throw new InvalidArgumentError(`Expected ${expected}.`);
    }
  };
}

/** Samplers that have a setting, short enough for a line. */
function namesOfSamplers(setting: SettingName): string {
  const names = samplersWith(setting);
  if (names.length === SAMPLER_NAMES.length) return 'all';
  if (names.length > 4) return `${names.length} samplers`;
  return names.join(', ');
}

/** Adds {@link GuidanceOptions}. */
function addGuidanceOptions(command: Command): Command {
  return command
    .option('--guidance <x>', 'classifier-free guidance; 1 is none', numberOption())
    .option('--guided-channels <n>', 'all, or how many leading channels', channelsOption);
}

/** Adds {@link CacheOptions}. */
export function addCacheOptions(command: Command): Command {
  return command
    .option('--router <file>', 'router or schedule: a file, a name of emoji-dit, or none')
    .option('--policy <spec>', `${policyNames().join(', ')}, each with settings, such as fora:2`)
    .option(
      '--predictor <name>',
      `of --policy: ${predictorNames().join(', ')} (default: hold)`,
      choiceOption(predictorNames()),
    )
    .addHelpText('after', `\nPolicies, with further settings as key=value:\n${policyList()}`);
}

function policyList(): string {
  return policyHelp()
    .map(({ usage, summary }) => `  ${usage}\n    ${summary}`)
    .join('\n');
}

/** Adds {@link ImageOptions}. */
export function addImageOptions(command: Command): Command {
  return command
    .option('--class <names...>', 'classes, or numbers of prompts, taken in turn (default: all)')
    .addOption(imageSeeds('one image each, such as 0-15 or 1,7'))
    .option('--batch <n>', 'images at a time', integerOption({ min: 1 }), 16);
}

/** `--seeds`, by default 16 of them. */
export function imageSeeds(description: string): Option {
  const option = new Option('--seeds <seeds>', description);
  return option.argParser(seedsOption).default(seedsOption('0-15'), '0-15');
}

/** `--model` of commands that load none, and need only to know what it is made of. */
export function addSpecOption(command: Command): Command {
  return command.option(
    '--model <name>',
    'as for sample, or a published model such as DiT-XL/2 (default: from the file)',
  );
}

import { PREDICTOR_NAMES } from '@harmonica/router';
import { type Command, Option } from 'commander';
import { BACKEND_NAMES, type BackendName } from './backend.js';
import type { ModelOptions } from './model.js';
import {
  channelsOption,
  choiceOption,
  integerOption,
  numberOption,
  seedsOption,
} from './option-values.js';
import type { CacheOptions, GuidanceOptions } from './run-setting.js';
import { SAMPLER_NAMES, type SamplerOptions, SCHEDULE_NAMES, SPACING_NAMES } from './sampler.js';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly backend: BackendName;
  readonly threads?: number | undefined;
  readonly debug?: boolean | undefined;
}

/** Which images to sample. */
export interface ImageOptions {
  /** Default: all classes in turn. */
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

/** Adds {@link ModelOptions}. */
export function addModelOptions(command: Command): Command {
  return command
    .option('--model <name>', 'emoji-dit, a folder like its weights, or a checkpoint', 'emoji-dit')
    .option('--dit <size>', 'of a checkpoint: a size such as DiT-XL/2, or a JSON file')
    .option('--part <name>', 'part of a PyTorch checkpoint, such as ema')
    .option('--vae <path>', 'autoencoder of a checkpoint, in diffusers layout')
    .option(
      '--vae-scale <x>',
      "what latents are multiplied by (default: the autoencoder's, else 0.18215)",
      numberOption({ min: 0 }),
    );
}

/** Adds {@link SamplerOptions}. Defaults are left to the command. */
export function addSamplerOptions(command: Command): Command {
  return command
    .option('--sampler <name>', `${SAMPLER_NAMES.join(', ')}`, choiceOption(SAMPLER_NAMES))
    .option('--steps <steps>', 'a count such as 20, ddim20, or sections such as 10,10,5')
    .option('--eta <x>', 'noise of ddim, 0 to 1', numberOption({ min: 0, max: 1 }))
    .option('--schedule <name>', SCHEDULE_NAMES.join(', '), choiceOption(SCHEDULE_NAMES))
    .option('--spacing <name>', SPACING_NAMES.join(', '), choiceOption(SPACING_NAMES));
}

/** Adds {@link GuidanceOptions}. */
export function addGuidanceOptions(command: Command): Command {
  return command
    .option('--guidance <x>', 'classifier-free guidance; 1 is none', numberOption())
    .option('--guided-channels <n>', 'all, or how many leading channels', channelsOption);
}

/** Adds {@link CacheOptions}. */
export function addCacheOptions(command: Command): Command {
  return command
    .option('--router <file>', 'router or schedule: a file, a name of emoji-dit, or none')
    .option(
      '--policy <name>',
      'none, fixed-interval',
      choiceOption(['none', 'fixed-interval'] as const),
    )
    .option('--interval <n>', 'of fixed-interval (default: 2)', integerOption({ min: 1 }))
    .option(
      '--predictor <name>',
      `of fixed-interval: ${PREDICTOR_NAMES.join(', ')} (default: hold)`,
      choiceOption(PREDICTOR_NAMES),
    )
    .option(
      '--initial-steps <n>',
      'of fixed-interval: full steps at the start (default: 1 for hold, else 2)',
      integerOption({ min: 1 }),
    );
}

/** Adds {@link ImageOptions}. */
export function addImageOptions(command: Command): Command {
  return command
    .option('--class <names...>', 'classes, taken in turn (default: all)')
    .addOption(
      new Option('--seeds <seeds>', 'one image each, such as 0-15 or 1,7')
        .argParser(seedsOption)
        .default(seedsOption('0-15'), '0-15'),
    )
    .option('--batch <n>', 'images at a time', integerOption({ min: 1 }), 16);
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type AutoencoderKlConfig,
  autoencoderKlConfig,
  type DitConfig,
} from '@harmonica/backbones';
import { FileError, parseJson } from '@harmonica/core';
import { z } from 'zod';

/** The folder of the weights and `config.json` that come with this package. */
export const WEIGHTS_FOLDER = fileURLToPath(new URL('../weights', import.meta.url));

/** The folder of the routers that come with this package. */
export const ROUTERS_FOLDER = fileURLToPath(new URL('../routers', import.meta.url));

/** What the model is made of. Plain JSON. */
export interface EmojiDitConfig {
  /** Names of the classes in label order: Unicode emoji subgroups such as `food-fruit`. */
  readonly classes: readonly string[];
  readonly dit: DitConfig;
  readonly autoencoder: AutoencoderKlConfig;
  /** What the autoencoder's latents are multiplied by before the DiT sees them. */
  readonly scalingFactor: number;
}

/**
 * Reads the model's configuration: `config.json` of its weights folder.
 *
 * @param folder default: the weights that come with this package
 * @throws {@link FileError} if it cannot be read
 * @throws {@link ConfigError} if it is not such a configuration
 */
export async function emojiDitConfig(folder: string = WEIGHTS_FOLDER): Promise<EmojiDitConfig> {
  const source = join(folder, 'config.json');
  return toConfig(parseJson({ source, text: await readText(source), schema: fileSchema() }));
}

function fileSchema() {
  const count = () => z.number().int().positive();
  const schema = z.object({
    classes: z.array(z.string().min(1)).min(1),
    scaling_factor: z.number().positive(),
    vae: z.object({
      block_out_channels: z.array(count()).min(1),
      norm_num_groups: count(),
      latent_channels: count(),
    }),
    dit: z.object({
      depth: count(),
      hidden_size: count(),
      num_heads: count(),
      patch_size: count(),
      input_size: count(),
      learn_sigma: z.boolean(),
      num_classes: count(),
    }),
  });
  return schema.superRefine(({ classes, dit }, context) => {
    const fault = (message: string) =>
      context.addIssue({ code: 'custom', path: ['classes'], message });
    if (classes.length !== dit.num_classes) {
      fault(`${classes.length} names for the ${dit.num_classes} classes of the DiT`);
    }
    const twice = classes.find((name, label) => classes.indexOf(name) !== label);
    if (twice !== undefined) fault(`"${twice}" stands for two classes`);
  });
}

function toConfig({
  classes,
  scaling_factor: scalingFactor,
  vae,
  dit,
}: z.infer<ReturnType<typeof fileSchema>>): EmojiDitConfig {
  return {
    classes,
    scalingFactor,
    dit: {
      name: 'emoji-dit',
      depth: dit.depth,
      hiddenSize: dit.hidden_size,
      heads: dit.num_heads,
      patchSize: dit.patch_size,
      mlpRatio: 4,
      inputSize: dit.input_size,
      inChannels: vae.latent_channels,
      numClasses: dit.num_classes,
      learnSigma: dit.learn_sigma,
    },
    autoencoder: autoencoderKlConfig({
      latentChannels: vae.latent_channels,
      blockOutChannels: vae.block_out_channels,
      normNumGroups: vae.norm_num_groups,
    }),
  };
}

/** Reads a text file. @throws {@link FileError} */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FileError({
      path,
      problem: `cannot be read (${reason})`,
      fix: 'Check the path.',
      cause,
    });
  }
}

import { copyFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = new URL('../../', import.meta.url);

/** Ten names for the ten classes of the small DiT. */
export const TINY_CLASSES = [
  'animal-bird',
  'animal-bug',
  'face-costume',
  'face-smiling',
  'flag',
  'food-fruit',
  'food-sweet',
  'heart',
  'plant-flower',
  'sky-weather',
];

/** `config.json` of the small model. */
export const TINY_CONFIG = {
  classes: TINY_CLASSES,
  scaling_factor: 0.8,
  vae: { block_out_channels: [8, 8, 16, 24], norm_num_groups: 4, latent_channels: 4 },
  dit: {
    depth: 3,
    hidden_size: 48,
    num_heads: 3,
    patch_size: 2,
    input_size: 8,
    learn_sigma: true,
    num_classes: 10,
  },
};

/**
 * A folder laid out like the weights of emoji-dit that holds a small random model: 8 x 8 x 4 latents, 64 x 64 images,
 * three blocks of width 48. Its weights are the fixtures that the backbones are tested with.
 */
export async function writeTinyModel(folder?: string): Promise<string> {
  const target = folder ?? (await mkdtemp(join(tmpdir(), 'tiny-emoji-dit-')));
  await mkdir(target, { recursive: true });
  await writeFile(join(target, 'config.json'), JSON.stringify(TINY_CONFIG));
  await copy('testing/goldens/dit.safetensors', join(target, 'dit.safetensors'));
  await copy(
    'backbones/src/__fixtures__/autoencoder-kl.safetensors',
    join(target, 'vae.safetensors'),
  );
  return target;
}

async function copy(fixture: string, target: string): Promise<void> {
  await copyFile(fileURLToPath(new URL(fixture, PACKAGES)), target);
}

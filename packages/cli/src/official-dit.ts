import { type DitConfig, loadAutoencoderKl, loadDit } from '@harmonica/backbones';
import { DEFAULT_GUIDED_CHANNELS, type WeightSource } from '@harmonica/core';
import { hashFiles, openCheckpoint } from '@harmonica/weights';
import { div, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import { readAutoencoderConfig } from './autoencoder-config.js';
import { checkpointFiles } from './checkpoint-files.js';
import { numberedClasses } from './class-names.js';
import { readDitConfig } from './dit-config-file.js';
import type { LoadModelOptions, Model } from './model.js';

/** Guidance scale of the best figures of the DiT paper. */
const GUIDANCE_SCALE = 1.5;

/**
 * Loads a DiT from a checkpoint with the official parameter names, and an autoencoder in diffusers' layout if one is
 * given. Latent size, channels and number of classes are read off the shapes of the checkpoint's tensors.
 */
export async function loadOfficialDit(
  options: LoadModelOptions & { readonly dit: string },
): Promise<Model> {
  const { model: path, dit, part } = options;
  const architecture = await readDitConfig(dit);
  const sha256 = await hashFiles(await checkpointFiles(path));
  const source = await openCheckpoint(path, part === undefined ? {} : { select: part });
  const { backbone, config } = await closing(source, async () => {
    const config = inferConfig(architecture, source);
    return { config, backbone: await loadDit({ config, source, ...loading(options) }) };
  });
  try {
    const decoder = await loadDecoder(options);
    return {
      backbone,
      sha256,
      classes: numberedClasses(config.numClasses),
      defaultGuidance: { scale: GUIDANCE_SCALE, channels: DEFAULT_GUIDED_CHANNELS },
      decode: decoder?.decode,
      dispose() {
        backbone.dispose();
        decoder?.dispose();
      },
    };
  } catch (error) {
    backbone.dispose();
    throw error;
  }
}

/** What the shapes tell; where a tensor is missing `config` stands, and loading will name the tensor. */
function inferConfig(config: DitConfig, source: WeightSource): DitConfig {
  const shapeOf = (name: string): readonly number[] | undefined =>
    source.names.includes(name) ? source.info(name).shape : undefined;
  const { patchSize } = config;
  const [rows] = shapeOf('y_embedder.embedding_table.weight') ?? [];
  const [, tokens] = shapeOf('pos_embed') ?? [];
  const [, inChannels = config.inChannels] = shapeOf('x_embedder.proj.weight') ?? [];
  const [outputs] = shapeOf('final_layer.linear.weight') ?? [];
  return {
    ...config,
    inChannels,
    ...(rows !== undefined && { numClasses: rows - 1 }),
    ...(tokens !== undefined && { inputSize: Math.sqrt(tokens) * patchSize }),
    ...(outputs !== undefined && { learnSigma: outputs === 2 * inChannels * patchSize ** 2 }),
  };
}

async function loadDecoder(options: LoadModelOptions) {
  const { vae, vaeScale } = options;
  if (vae === undefined) return undefined;
  const { config, scalingFactor } = await readAutoencoderConfig(vae);
  const scale = vaeScale ?? scalingFactor;
  const autoencoder = await closing(await openCheckpoint(vae), (source) =>
    loadAutoencoderKl({ config, source, ...loading(options) }),
  );
  return {
    decode: (latent: Tensor4D): Tensor4D => tidy(() => autoencoder.decode(div(latent, scale))),
    dispose: () => autoencoder.dispose(),
  };
}

function loading({ onProgress, signal }: LoadModelOptions) {
  return { ...(onProgress && { onProgress }), ...(signal && { signal }) };
}

async function closing<T>(
  source: WeightSource,
  use: (source: WeightSource) => Promise<T>,
): Promise<T> {
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

import {
  type AutoencoderKlPreset,
  autoencoderKlPresetOf,
  loadAutoencoderKl,
  readNullCaption,
  readPrompts,
  type StoredPrompts,
} from '@harmonica/backbones';
import { fingerprint, InvalidArgumentError, type WeightSource } from '@harmonica/core';
import { hashFiles, loadModel, type ModelComponent, openCheckpoint } from '@harmonica/weights';
import { div, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { Architecture, LatentSize } from './architecture.js';
import type { FoundModel } from './find-model.js';
import { encoderOf } from './image-encoder.js';
import type { LoadModelOptions, Model } from './model.js';
import { classSubjects, promptSubjects, type Subjects, singleSubject } from './subjects.js';
import { weightFiles } from './weight-files.js';

/**
 * Loads a transformer from a checkpoint with official names or diffusers', its prompts, and its autoencoder: the one that
 * the options name, else the one beside it.
 *
 * @throws {@link InvalidArgumentError} if it takes prompts and none are given
 * @throws as the loaders of `@harmonica/backbones` and `@harmonica/weights` do
 */
export async function loadCheckpointModel(
  found: Extract<FoundModel, { kind: 'checkpoint' }>,
  options: LoadModelOptions,
): Promise<Model> {
  const sha256 = await hashFiles(await weightFiles(found.component));
  const owned: { dispose(): void }[] = [];
  const dispose = () => {
    for (const part of owned) part.dispose();
  };
  const own = <T extends { dispose(): void }>(part: T): T => {
    owned.push(part);
    return part;
  };
  try {
    const transformer = await found.component.load(async ({ source }) => {
      const architecture = found.architecture.fittedTo(source);
      const { promptsFile } = options;
      const subjects = own(await subjectsOf(architecture, { source, promptsFile }));
      const backbone = own(await architecture.load({ source, ...progressOf(options) }));
      return { architecture, subjects, backbone };
    });
    const { latent } = transformer.backbone.spec;
    const coder = await loadCoder(found, options, latent);
    if (coder) own(coder);
    const { architecture, subjects, backbone } = transformer;
    return {
      backbone,
      sha256,
      architectureSha256: architecture.sha256,
      subjects,
      process: architecture.process,
      defaultGuidance: architecture.guidance,
      ...coder?.parts,
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Of a PixArt-alpha with its official names the caption that stands for none is among the weights. */
async function subjectsOf(
  { spec, classes }: Architecture,
  files: { readonly source: WeightSource; readonly promptsFile: string | undefined },
): Promise<Subjects> {
  if (classes > 0) return classSubjects({ count: classes });
  if (spec.condition.length === 0) return singleSubject();
  const { source, promptsFile } = files;
  if (promptsFile === undefined) {
    throw new InvalidArgumentError({
      argument: '--prompts-file',
      value: undefined,
      expected: `embeddings of prompts, because ${spec.name} makes images of text`,
      fix: 'Give a safetensors file with prompt_embeds and prompt_attention_mask.',
    });
  }
  const sha256 = await hashFiles([promptsFile]);
  const prompts = await readPromptsFile(promptsFile);
  const hasNull = source.names.some((name) => name.endsWith('.y_embedding'));
  if (prompts.negative || !hasNull) return promptSubjects({ spec, prompts, sha256 });
  const negative = await readNullCaption({ source, prompts: prompts.positive });
  return promptSubjects({ spec, prompts: { ...prompts, negative }, sha256 });
}

async function readPromptsFile(path: string): Promise<StoredPrompts> {
  const source = await openCheckpoint(path);
  try {
    return await readPrompts(source);
  } finally {
    await source.close();
  }
}

async function loadCoder(
  { parts }: Extract<FoundModel, { kind: 'checkpoint' }>,
  options: LoadModelOptions,
  latent: LatentSize,
) {
  const component = await autoencoderOf(parts, options);
  if (!component) return undefined;
  const { config, scalingFactor, tileSize }: AutoencoderKlPreset = autoencoderKlPresetOf(
    component.config,
  );
  const { vaeScale: scale = scalingFactor } = options;
  const sha256 = await hashFiles(await weightFiles(component));
  const autoencoder = await component.load(({ source }) =>
    loadAutoencoderKl({ config, source, ...progressOf(options) }),
  );
  return {
    parts: {
      tileSize,
      encoder: encoderOf({ autoencoder, scale, latent }),
      decode: (latent: Tensor4D): Tensor4D => tidy(() => autoencoder.decode(div(latent, scale))),
      decoder: {
        sha256,
        configSha256: fingerprint({ config, tileSize }),
        scale,
      },
    },
    dispose: () => autoencoder.dispose(),
  };
}

async function autoencoderOf(
  own: Extract<FoundModel, { kind: 'checkpoint' }>['parts'],
  { vae, onDownload, signal }: LoadModelOptions,
): Promise<ModelComponent | undefined> {
  const parts =
    vae === undefined
      ? own
      : await loadModel(vae, {
          ...(onDownload && { onProgress: onDownload }),
          ...(signal && { signal }),
        });
  if (parts.components.includes('vae')) return parts.component('vae');
  return vae === undefined ? undefined : parts.component();
}

function progressOf({ onProgress, signal }: LoadModelOptions) {
  return { ...(onProgress && { onProgress }), ...(signal && { signal }) };
}

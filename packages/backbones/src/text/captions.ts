import {
  assertArgument,
  assertShape,
  type BackboneSpec,
  CheckpointError,
  type NamedTensors,
  ShapeError,
  type WeightSource,
} from '@harmonica/core';
import { pad, type Tensor, tensor, tensor2d, tensor3d, tidy, tile } from '@tensorflow/tfjs-core';
import { ASPECT_RATIO, CAPTION, CAPTION_MASK, RESOLUTION } from '../layers/stream.js';
import { readFinite } from '../weights/load-model.js';
import type { PromptEmbeddings } from './t5-encoder.js';

/** Image pixels along a side of a latent pixel, with every published autoencoder. */
const DOWNSAMPLING = 8;

/** Options of {@link captionCondition}. */
export interface CaptionConditionOptions {
  /** Of a backbone that takes captions: a PixArt or a U-ViT. */
  readonly spec: BackboneSpec;
  /** Not disposed. With fewer tokens than the backbone takes they are padded. */
  readonly prompts: PromptEmbeddings;
  /** In pixels, for backbones that ask for it. Default: 8 times the latent's. */
  readonly imageSize?: { readonly height: number; readonly width: number };
}

/**
 * The condition of a text-to-image backbone: the embeddings, their mask, and the image's resolution and aspect ratio, as
 * far as its spec names them.
 *
 * @returns tensors that the caller disposes
 * @throws {@link InvalidArgumentError} if the backbone takes no captions
 * @throws {@link ShapeError} if the embeddings do not fit
 */
export function captionCondition(options: CaptionConditionOptions): NamedTensors {
  const { spec, prompts, imageSize = imageSizeOf(spec) } = options;
  const { embeddings, mask } = prompts;
  const [batch, tokens] = embeddings.shape;
  const { height, width } = imageSize;
  const repeated = (values: readonly number[]): Tensor =>
    tensor(Array(batch).fill(values).flat(), [batch, values.length], 'float32');
  const room = assertPrompts(spec, prompts) - tokens;
  const made: Readonly<Record<string, () => Tensor>> = {
    [CAPTION]: () => padded(embeddings, room),
    [CAPTION_MASK]: () => padded(mask, room),
    [RESOLUTION]: () => repeated([height, width]),
    [ASPECT_RATIO]: () => repeated([height / width]),
  };
  return Object.fromEntries(
    spec.condition.flatMap(({ name }) => {
      const value = made[name]?.();
      return value ? [[name, value]] : [];
    }),
  );
}

function imageSizeOf({ latent }: BackboneSpec): { height: number; width: number } {
  return { height: DOWNSAMPLING * latent.height, width: DOWNSAMPLING * latent.width };
}

/** The tokens that the backbone takes. */
function assertPrompts(spec: BackboneSpec, { embeddings, mask }: PromptEmbeddings): number {
  const caption = spec.condition.find(({ name }) => name === CAPTION);
  assertArgument({ spec: spec.name }, 'that of a backbone that takes captions', caption);
  const [most = 0, channels = 0] = caption.shape;
  const [batch, tokens, actual] = embeddings.shape;
  if (tokens > most || actual !== channels) {
    throw new ShapeError({
      tensor: 'prompts.embeddings',
      actual: embeddings.shape,
      expected: [batch, most, channels],
      fix: `${spec.name} takes captions of ${most} tokens at most; encode with as many.`,
    });
  }
  assertShape({ 'prompts.mask': mask }, [batch, tokens]);
  return most;
}

/** With zeros after the tokens. */
function padded(x: Tensor, room: number): Tensor {
  const [, , ...rest] = x.shape;
  return tidy(() => pad(x, [[0, 0], [0, room], ...rest.map((): [number, number] => [0, 0])]));
}

/** What official checkpoints call it, and what early ones of diffusers do. */
const NAMES = ['y_embedder.y_embedding', 'caption_projection.y_embedding'];

/** Options of {@link readNullCaption}. */
export interface ReadNullCaptionOptions {
  /** A checkpoint of PixArt. Not closed. */
  readonly source: WeightSource;
  /** The captions of the conditional half, whose mask the unconditional half shares. Not disposed. */
  readonly prompts: PromptEmbeddings;
}

/**
 * The caption that stands for none in PixArt-alpha's training, once for each prompt, as the official code guides. (The
 * pipelines of diffusers encode a negative prompt instead.)
 *
 * @returns tensors that the caller disposes
 * @throws {@link CheckpointError} if the checkpoint has none, or one of another shape than the prompts
 * @throws {@link NonFiniteError}
 */
export async function readNullCaption(options: ReadNullCaptionOptions): Promise<PromptEmbeddings> {
  const { source, prompts } = options;
  const [batch, tokens, channels] = prompts.embeddings.shape;
  const key = NAMES.find((name) => source.names.includes(name));
  if (key === undefined) {
    throw new CheckpointError({
      path: source.path,
      key: NAMES[0] as string,
      problem: 'is missing',
      fix: 'Files of current diffusers do not hold it; encode an empty negative prompt instead.',
    });
  }
  shapeOf(source, key, [tokens, channels]);
  const values = await readFinite(source, key);
  const embeddings = tidy(() => tile(tensor3d(values, [1, tokens, channels]), [batch, 1, 1]));
  return { embeddings, mask: prompts.mask.clone() };
}

/** Prompts that were encoded before. */
export interface StoredPrompts {
  readonly positive: PromptEmbeddings;
  /** Only if the file holds them: one for all prompts, or one for each. */
  readonly negative?: PromptEmbeddings;
}

/**
 * Reads prompts that were encoded before, from a file such as one in safetensors with the tensors `prompt_embeds`
 * `[B, M, C]` and `prompt_attention_mask` `[B, M]`, and for guidance `negative_prompt_embeds` and
 * `negative_prompt_attention_mask`: what diffusers' PixArt pipelines call them.
 *
 * @param source not closed
 * @returns tensors that the caller disposes
 * @throws {@link CheckpointError} naming the first tensor that is missing or of another shape, and negative prompts that are
 * neither one nor as many as the prompts
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 */
export async function readPrompts(source: WeightSource): Promise<StoredPrompts> {
  const positive = await readHalf(source, '');
  if (!source.names.some((name) => name.startsWith('negative_'))) return { positive };
  try {
    return { positive, negative: await readNegatives(source, positive) };
  } catch (error) {
    positive.embeddings.dispose();
    positive.mask.dispose();
    throw error;
  }
}

/** One for all prompts, or one for each. */
async function readNegatives(
  source: WeightSource,
  positive: PromptEmbeddings,
): Promise<PromptEmbeddings> {
  const key = 'negative_prompt_embeds';
  const [count = 0] = shapeOf(source, key, [null, null, null]);
  const [prompts] = positive.embeddings.shape;
  if (count === 1 || count === prompts) return readHalf(source, 'negative_');
  const problem = `has ${count} prompts; expected 1 for all, or ${prompts}, one for each prompt`;
  throw new CheckpointError({ path: source.path, key, problem });
}

async function readHalf(source: WeightSource, prefix: string): Promise<PromptEmbeddings> {
  const [embeds, attention] = [`${prefix}prompt_embeds`, `${prefix}prompt_attention_mask`];
  const [batch = 0, tokens = 0, width = 0] = shapeOf(source, embeds, [null, null, null]);
  shapeOf(source, attention, [batch, tokens]);
  const values = await readFinite(source, embeds);
  const mask = Int32Array.from(await readFinite(source, attention), (kept) => (kept ? 1 : 0));
  return {
    embeddings: tensor3d(values, [batch, tokens, width], 'float32'),
    mask: tensor2d(mask, [batch, tokens], 'int32'),
  };
}

function shapeOf(
  source: WeightSource,
  name: string,
  expected: readonly (number | null)[],
): readonly number[] {
  const { path, names } = source;
  if (!names.includes(name)) throw new CheckpointError({ path, key: name, problem: 'is missing' });
  const { shape } = source.info(name);
  const fits =
    shape.length === expected.length &&
    expected.every((size, axis) => size === null || size === shape[axis]);
  if (fits) return shape;
  const wanted = expected.map((size) => size ?? '*').join(', ');
  const problem = `has shape [${shape.join(', ')}] where [${wanted}] is expected`;
  throw new CheckpointError({ path, key: name, problem });
}

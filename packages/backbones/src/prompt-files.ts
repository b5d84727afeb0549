import { CheckpointError, type WeightSource } from '@harmonica/core';
import { tensor2d, tensor3d } from '@tensorflow/tfjs-core';
import { readFinite } from './load-weights.js';
import type { PromptEmbeddings } from './text-encoder.js';

/** Prompts that were encoded before. */
export interface StoredPrompts {
  readonly positive: PromptEmbeddings;
  /** Only if the file holds them. */
  readonly negative?: PromptEmbeddings;
}

/**
 * Reads prompts that were encoded before, from a file such as one in safetensors with the tensors `prompt_embeds`
 * `[B, M, C]` and `prompt_attention_mask` `[B, M]`, and for guidance `negative_prompt_embeds` and
 * `negative_prompt_attention_mask`: what diffusers' PixArt pipelines call them.
 *
 * @param source not closed
 * @returns tensors that the caller disposes
 * @throws {@link CheckpointError} naming the first tensor that is missing or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 */
export async function readPrompts(source: WeightSource): Promise<StoredPrompts> {
  const positive = await readHalf(source, '');
  if (!source.names.some((name) => name.startsWith('negative_'))) return { positive };
  try {
    return { positive, negative: await readHalf(source, 'negative_') };
  } catch (error) {
    positive.embeddings.dispose();
    positive.mask.dispose();
    throw error;
  }
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

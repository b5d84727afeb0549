import { CheckpointError, type WeightSource } from '@harmonica/core';
import { tensor3d, tidy, tile } from '@tensorflow/tfjs-core';
import { readFinite } from './load-weights.js';
import type { PromptEmbeddings } from './text-encoder.js';

/** What official checkpoints call it, and what early ones of diffusers do. */
const NAMES = ['y_embedder.y_embedding', 'caption_projection.y_embedding'];

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
  const { path, names } = source;
  const key = NAMES.find((name) => names.includes(name));
  if (key === undefined) {
    throw new CheckpointError({
      path,
      key: NAMES[0] as string,
      problem: 'is missing',
      fix: 'Files of current diffusers do not hold it; encode an empty negative prompt instead.',
    });
  }
  const { shape } = source.info(key);
  if (shape.join() !== [tokens, channels].join()) {
    const problem = `has shape [${shape.join(', ')}] where [${tokens}, ${channels}] is expected`;
    throw new CheckpointError({ path, key, problem });
  }
  const values = await readFinite(source, key);
  const embeddings = tidy(() => tile(tensor3d(values, [1, tokens, channels]), [batch, 1, 1]));
  return { embeddings, mask: prompts.mask.clone() };
}

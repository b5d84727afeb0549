import { InvalidArgumentError } from '@harmonica/core';
import {
  dispose,
  gather,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { cleanPrompt } from './clean-prompt.js';
import type { PromptEmbeddings, TextEncoder } from './text-encoder.js';

export interface EncodePromptsOptions {
  readonly encoder: TextEncoder;
  /** One for each image. */
  readonly prompts: readonly string[];
  /** What images should not be: one for all, or one for each. Default: the empty prompt. */
  readonly negativePrompts?: string | readonly string[];
  /** Whether prompts are cleaned by {@link cleanPrompt}; if not, only lower case and trimmed. Default true. */
  readonly clean?: boolean;
  readonly signal?: AbortSignal;
}

/** Embeddings of both halves of guidance, of equal shape. */
export interface EncodedPrompts {
  readonly positive: PromptEmbeddings;
  readonly negative: PromptEmbeddings;
}

/**
 * Encodes prompts and negative prompts as PixArt does. Each different text is encoded once.
 *
 * @returns tensors that the caller disposes
 * @throws {@link InvalidArgumentError} if there is neither one negative prompt nor one for each prompt
 * @throws {@link AbortedError}
 */
export async function encodePrompts(options: EncodePromptsOptions): Promise<EncodedPrompts> {
  const { encoder, prompts, negativePrompts = '', clean = true, signal } = options;
  const negatives =
    typeof negativePrompts === 'string' ? prompts.map(() => negativePrompts) : negativePrompts;
  if (negatives.length !== prompts.length) {
    throw new InvalidArgumentError({
      argument: 'negativePrompts',
      value: negatives.length,
      expected: `one prompt for all, or one for each of ${prompts.length}`,
    });
  }
  const prepare = clean ? cleanPrompt : (text: string) => text.toLowerCase().trim();
  const [wanted, unwanted] = [prompts.map(prepare), negatives.map(prepare)];
  const texts = [...new Set([...wanted, ...unwanted])];
  const encoded = await encoder.encode(texts, { ...(signal && { signal }) });
  const pick = (chosen: readonly string[]): PromptEmbeddings =>
    rowsOf(
      encoded,
      chosen.map((text) => texts.indexOf(text)),
    );
  try {
    return { positive: pick(wanted), negative: pick(unwanted) };
  } finally {
    dispose([encoded.embeddings, encoded.mask]);
  }
}

function rowsOf({ embeddings, mask }: PromptEmbeddings, rows: readonly number[]): PromptEmbeddings {
  const pick = <T extends Tensor2D | Tensor3D>(x: T): T =>
    tidy(() => gather(x, tensor1d([...rows], 'int32')));
  return { embeddings: pick(embeddings), mask: pick(mask) };
}

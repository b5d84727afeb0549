import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';

/** What a text encoder makes of prompts. */
export interface PromptEmbeddings {
  /** `[B, M, C]` float32, padding included. */
  readonly embeddings: Tensor3D;
  /** `[B, M]` int32: 1 for tokens of the prompt, 0 for padding. */
  readonly mask: Tensor2D;
}

/** Options of {@link TextEncoder.encode}. */
export interface EncodeOptions {
  readonly signal?: AbortSignal;
}

/** Makes embeddings of prompts. Prompts come to it as they are to be encoded: clean, in the case that it knows. */
export interface TextEncoder {
  /** For people, such as the name of the model. */
  readonly name: string;
  /** Tokens M of every prompt: longer ones are cut, shorter ones padded. */
  readonly tokens: number;
  /** @returns embeddings in the order of the prompts; the caller disposes both tensors */
  encode(prompts: readonly string[], options?: EncodeOptions): Promise<PromptEmbeddings>;
  dispose(): Promise<void>;
}

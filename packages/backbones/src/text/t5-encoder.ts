import {
  assertArgument,
  assertShape,
  DisposedError,
  DTypeError,
  EngineError,
  throwIfAborted,
  UnsupportedError,
} from '@harmonica/core';
import {
  dispose,
  gather,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tensor2d,
  tensor3d,
  tidy,
} from '@tensorflow/tfjs-core';
import { cleanPrompt } from './clean-prompt.js';

/** A tensor of `@huggingface/transformers`, as far as it is used here. */
export interface TransformersTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number | bigint | string | boolean>;
}

/** The names under which models take and tokenizers give their tensors. */
export interface TokenizedPrompts {
  readonly input_ids: TransformersTensor;
  readonly attention_mask: TransformersTensor;
}

/** How prompts become tokens: padded and cut to one length. */
export interface TokenizerOptions {
  readonly padding: 'max_length';
  readonly max_length: number;
  readonly truncation: true;
}

/** How tokenizers of `@huggingface/transformers` are called. */
export interface PromptTokenizer {
  (prompts: string[], options: TokenizerOptions): TokenizedPrompts | Promise<TokenizedPrompts>;
  /** The token that ends every text. */
  readonly eos_token_id?: number | null | undefined;
}

/** How encoder models of `@huggingface/transformers` are called, and freed. */
export interface EncoderModel {
  (inputs: TokenizedPrompts): Promise<{ readonly last_hidden_state: TransformersTensor }>;
  /** Frees the model, where it can be freed. */
  dispose?(): Promise<unknown>;
}

/** Options of {@link createT5Encoder}. */
export interface CreateT5EncoderOptions {
  /** For people and error messages. */
  readonly name: string;
  readonly tokenizer: PromptTokenizer;
  /** Owned by the encoder from here on. */
  readonly model: EncoderModel;
  /** Tokens of every prompt: 120 for PixArt-alpha, 300 for PixArt-Sigma. */
  readonly tokens: number;
}

/** Wraps a tokenizer and an encoder of `@huggingface/transformers` that were loaded elsewhere. */
export function createT5Encoder(options: CreateT5EncoderOptions): TextEncoder {
  const { name, tokenizer, model, tokens } = options;
  assertTokens(tokens);
  let disposed = false;
  return {
    name,
    tokens,

    async encode(prompts, { signal } = {}) {
      if (disposed) throw new DisposedError(`The text encoder ${name}`);
      throwIfAborted(signal, 'Encoding prompts');
      const settings = { padding: 'max_length', max_length: tokens, truncation: true } as const;
      const given = await running(name, async () => tokenizer([...prompts], settings));
      if (typeof tokenizer.eos_token_id === 'number') endCutTexts(given, tokenizer.eos_token_id);
      const { last_hidden_state: hidden } = await running(name, () => model(given));
      throwIfAborted(signal, 'Encoding prompts');
      return asEmbeddings({ hidden, mask: given.attention_mask, rows: prompts.length, tokens });
    },

    async dispose() {
      if (disposed) return;
      disposed = true;
      await model.dispose?.();
    },
  };
}

/** Options of {@link loadT5Encoder}. */
export interface LoadT5EncoderOptions {
  /**
   * A folder, or a model of the Hugging Face hub, with `config.json`, `tokenizer.json` and an ONNX graph of the encoder,
   * `onnx/encoder_model.onnx`.
   */
  readonly model: string;
  /** Tokens of every prompt: 120 for PixArt-alpha, 300 for PixArt-Sigma. */
  readonly tokens: number;
  /** Which of a model's graphs is used, as transformers.js names them, such as `q8` or `fp16`. Default `fp32`. */
  readonly dtype?: 'fp32' | 'fp16' | 'q8' | 'int8' | 'uint8' | 'q4' | 'q4f16' | 'bnb4';
  /** Such as `cpu` or `webgpu`. Default: what transformers.js prefers. */
  readonly device?: 'cpu' | 'wasm' | 'webgpu' | 'cuda' | 'dml' | 'coreml';
  /** Whether nothing is downloaded. Default false. */
  readonly localFilesOnly?: boolean;
}

/**
 * Loads a T5 encoder, which is the text encoder of PixArt, through `@huggingface/transformers` (an optional peer).
 *
 * @throws {@link UnsupportedError} if `@huggingface/transformers` is not installed
 * @throws {@link EngineError} if it cannot load the model
 */
export async function loadT5Encoder(options: LoadT5EncoderOptions): Promise<TextEncoder> {
  const { model: path, tokens, dtype = 'fp32', device, localFilesOnly = false } = options;
  assertTokens(tokens);
  const { AutoConfig, AutoTokenizer, PreTrainedModel } = await importTransformers();
  const hub = { local_files_only: localFilesOnly };
  return running(path, async () => {
    const [tokenizer, config] = await Promise.all([
      AutoTokenizer.from_pretrained(path, hub),
      AutoConfig.from_pretrained(path, hub),
    ]);
    // The library knows T5 as an encoder with a decoder; as a custom model its encoder alone is loaded.
    config.model_type = 'custom';
    const settings = { config, dtype, model_file_name: 'encoder_model', ...(device && { device }) };
    const model = await PreTrainedModel.from_pretrained(path, { ...hub, ...settings });
    return createT5Encoder({
      name: path,
      tokenizer: tokenizer as unknown as PromptTokenizer,
      model: model as unknown as EncoderModel,
      tokens,
    });
  });
}

/**
 * Gives texts that were cut their end token back: the library cuts after it has added it, where Python's, with which the
 * models were trained, cuts the text before.
 */
function endCutTexts(
  { input_ids: ids, attention_mask: mask }: TokenizedPrompts,
  end: number,
): void {
  const [rows = 0, tokens = 0] = ids.dims;
  const data = ids.data as BigInt64Array;
  for (let last = tokens - 1; last < rows * tokens; last += tokens) {
    if (Number(mask.data[last]) === 1) data[last] = BigInt(end);
  }
}

async function importTransformers() {
  try {
    return await import('@huggingface/transformers');
  } catch (cause) {
    throw new UnsupportedError({
      feature: 'a T5 text encoder without @huggingface/transformers',
      engine: '@harmonica/backbones',
      fix: 'Install it: npm install @huggingface/transformers; or load embeddings of prompts from a file.',
      cause,
    });
  }
}

async function running<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw new EngineError({
      engine: '@huggingface/transformers',
      operation: `running ${name}`,
      cause,
    });
  }
}

interface EncoderOutput {
  readonly hidden: TransformersTensor;
  readonly mask: TransformersTensor;
  readonly rows: number;
  readonly tokens: number;
}

function asEmbeddings({ hidden, mask, rows, tokens }: EncoderOutput): PromptEmbeddings {
  const [, , width = 0] = hidden.dims;
  if (hidden.type !== 'float32') {
    throw new DTypeError({ tensor: 'last_hidden_state', actual: hidden.type, expected: 'float32' });
  }
  assertShape({ last_hidden_state: { shape: hidden.dims } }, [rows, tokens, width]);
  assertShape({ attention_mask: { shape: mask.dims } }, [rows, tokens]);
  const values = Float32Array.from(hidden.data as ArrayLike<number>);
  const kept = Int32Array.from(mask.data as ArrayLike<number | bigint>, Number);
  return {
    embeddings: tensor3d(values, [rows, tokens, width], 'float32'),
    mask: tensor2d(kept, [rows, tokens], 'int32'),
  };
}

function assertTokens(tokens: number): void {
  assertArgument(
    { tokens },
    'a positive integer, such as 120 for PixArt-alpha',
    Number.isInteger(tokens) && tokens > 0,
  );
}

/** What a text encoder makes of prompts. */
export interface PromptEmbeddings {
  /** `[B, M, C]` float32, padding included. */
  readonly embeddings: Tensor3D;
  /** `[B, M]` int32: 1 for tokens of the prompt, 0 for padding. */
  readonly mask: Tensor2D;
}

/** Options of {@link TextEncoder.encode}. */
export interface EncodeOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Makes embeddings of prompts. Prompts come to it as they are to be encoded: clean, in the case that it knows. */
export interface TextEncoder {
  /** For people, such as the name of the model. */
  readonly name: string;
  /** Tokens M of every prompt: longer ones are cut, shorter ones padded. */
  readonly tokens: number;
  /** @returns embeddings in the order of the prompts; the caller disposes both tensors */
  encode(prompts: readonly string[], options?: EncodeOptions): Promise<PromptEmbeddings>;
  /** Frees the encoder. */
  dispose(): Promise<void>;
}

/** Options of {@link encodePrompts}. */
export interface EncodePromptsOptions {
  readonly encoder: TextEncoder;
  /** One for each image. */
  readonly prompts: readonly string[];
  /** What images should not be: one for all, or one for each. Default: the empty prompt. */
  readonly negativePrompts?: string | readonly string[];
  /** Whether prompts are cleaned by {@link cleanPrompt}; if not, only lower case and trimmed. Default true. */
  readonly clean?: boolean;
  readonly signal?: AbortSignal | undefined;
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
  assertArgument(
    { negativePrompts: negatives.length },
    `one prompt for all, or one for each of ${prompts.length}`,
    negatives.length === prompts.length,
  );
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

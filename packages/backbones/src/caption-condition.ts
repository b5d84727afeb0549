import {
  type BackboneSpec,
  InvalidArgumentError,
  type NamedTensors,
  ShapeError,
} from '@harmonica/core';
import { pad, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { ASPECT_RATIO, CAPTION, CAPTION_MASK, RESOLUTION } from './condition-names.js';
import type { PromptEmbeddings } from './text-encoder.js';

/** Image pixels along a side of a latent pixel, with every published autoencoder. */
const DOWNSAMPLING = 8;

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
  if (!caption) {
    throw new InvalidArgumentError({
      argument: 'spec',
      value: spec.name,
      expected: 'that of a backbone that takes captions',
    });
  }
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
  if (mask.shape.join() !== [batch, tokens].join()) {
    throw new ShapeError({ tensor: 'prompts.mask', actual: mask.shape, expected: [batch, tokens] });
  }
  return most;
}

/** With zeros after the tokens. */
function padded(x: Tensor, room: number): Tensor {
  const [, , ...rest] = x.shape;
  return tidy(() => pad(x, [[0, 0], [0, room], ...rest.map((): [number, number] => [0, 0])]));
}

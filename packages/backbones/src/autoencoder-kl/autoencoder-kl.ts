import { assertShape, ShapeError } from '@harmonica/core';
import {
  add,
  clipByValue,
  concat,
  reshape,
  split,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { scaledDotProductAttention } from '../layers/attention.js';
import { convolution, dense, silu } from '../layers/linear.js';
import { groupNorm } from '../layers/norms.js';
import type { ModelParts, Weights } from '../weights/weights.js';
import { type AutoencoderKlConfig, downsamplingOf } from './config.js';

/** A diagonal normal distribution over latents. */
export interface LatentDistribution {
  /** `[B, h, w, latentChannels]`. */
  readonly mean: Tensor4D;
  /** Natural logarithm of the variance, `[B, h, w, latentChannels]`, clipped to [-30, 20]. */
  readonly logVariance: Tensor4D;
}

/** An image autoencoder with a Gaussian latent, in TensorFlow.js ops. Pure: nothing is kept between calls. */
export interface AutoencoderKl {
  readonly config: AutoencoderKlConfig;
  /** Image pixels along a side of a latent pixel: 8 with four resolutions. */
  readonly downsampling: number;
  /**
   * @param image `[B, H, W, imageChannels]` in [-1, 1], H and W multiples of `downsampling`. Not disposed.
   * @returns the distribution of unscaled latents; the caller disposes both tensors
   * @throws {@link ShapeError}, {@link DisposedError}
   */
  encode(image: Tensor4D): LatentDistribution;
  /**
   * @param latent unscaled, `[B, h, w, latentChannels]`: a model's latent divided by its scaling factor. Not disposed.
   * @returns `[B, downsampling * h, downsampling * w, imageChannels]`, trained towards [-1, 1] and not clipped; the
   *   caller disposes it
   * @throws {@link ShapeError}, {@link DisposedError}
   */
  decode(latent: Tensor4D): Tensor4D;
  /** Frees the weights. */
  dispose(): void;
}

/** The autoencoder of latent diffusion (Rombach et al., 2022), in the layout of the Stable Diffusion VAE. */
export function createAutoencoderKl(options: ModelParts<AutoencoderKlConfig>): AutoencoderKl {
  const { config, weights } = options;
  const { imageChannels, latentChannels } = config;
  const downsampling = downsamplingOf(config);
  const encoder = encoderStages(config, weights);
  const decoder = decoderStages(config, weights);
  return {
    config,
    downsampling,
    encode(image) {
      assertImage({ image, channels: imageChannels, multiple: downsampling });
      return tidy(() => {
        const [mean, logVariance] = split(runStages(image, encoder), 2, 3) as [Tensor4D, Tensor4D];
        return { mean, logVariance: clipByValue(logVariance, -30, 20) };
      });
    },
    decode(latent) {
      assertShape({ latent }, [null, null, null, latentChannels]);
      return runStages(latent, decoder);
    },
    dispose: () => weights.dispose(),
  };
}

function encoderStages(config: AutoencoderKlConfig, weights: Weights): Stage[] {
  const { blockOutChannels, layersPerBlock, useQuantConv } = config;
  const { conv, resnets } = stageBuilders(weights);
  const levels = blockOutChannels.flatMap((_, level) => {
    const name = `encoder.down_blocks.${level}`;
    const isLast = level === blockOutChannels.length - 1;
    const down = isLast ? [] : [conv(`${name}.downsamplers.0.conv`, 2)];
    return [...resnets(name, layersPerBlock), ...down];
  });
  return [
    conv('encoder.conv_in'),
    ...levels,
    ...middleStages(config, weights, 'encoder.mid_block'),
    outputStage(weights, 'encoder'),
    ...(useQuantConv ? [conv('quant_conv')] : []),
  ];
}

function decoderStages(config: AutoencoderKlConfig, weights: Weights): Stage[] {
  const { blockOutChannels, layersPerBlock, usePostQuantConv } = config;
  const { conv, resnets } = stageBuilders(weights);
  const levels = blockOutChannels.flatMap((_, level) => {
    const name = `decoder.up_blocks.${level}`;
    const isLast = level === blockOutChannels.length - 1;
    const up = isLast ? [] : [upsample, conv(`${name}.upsamplers.0.conv`)];
    return [...resnets(name, layersPerBlock + 1), ...up];
  });
  return [
    ...(usePostQuantConv ? [conv('post_quant_conv')] : []),
    conv('decoder.conv_in'),
    ...middleStages(config, weights, 'decoder.mid_block'),
    ...levels,
    outputStage(weights, 'decoder'),
  ];
}

function middleStages(config: AutoencoderKlConfig, weights: Weights, name: string): Stage[] {
  const [before, after] = stageBuilders(weights).resnets(name, 2) as [Stage, Stage];
  const attention: Stage = (x) => spatialAttention({ x, weights, name: `${name}.attentions.0` });
  return config.midBlockAddAttention ? [before, attention, after] : [before, after];
}

/** `conv_out(silu(conv_norm_out(x)))`. */
function outputStage(weights: Weights, name: string): Stage {
  return (x) => {
    const normed = groupNorm({ x, ...weights.affine(`${name}.conv_norm_out`) });
    return convolution({ x: silu(normed), ...weights.affine(`${name}.conv_out`) });
  };
}

function stageBuilders(weights: Weights) {
  return {
    conv:
      (name: string, stride = 1): Stage =>
      (x) =>
        convolution({ x, ...weights.affine(name), stride }),
    resnets: (name: string, layers: number): Stage[] =>
      Array.from(
        { length: layers },
        (_, layer) => (x) => resnetBlock({ x, weights, name: `${name}.resnets.${layer}` }),
      ),
  };
}

interface AssertImageOptions {
  readonly image: Tensor4D;
  readonly channels: number;
  readonly multiple: number;
}

function assertImage({ image, channels, multiple }: AssertImageOptions): void {
  const [, height = 0, width = 0, actual] = image.shape;
  const whole = height > 0 && width > 0 && height % multiple === 0 && width % multiple === 0;
  if (image.rank === 4 && actual === channels && whole) return;
  throw new ShapeError({
    tensor: 'image',
    actual: image.shape,
    expected: [null, null, null, channels],
    fix: `Height and width must be multiples of ${multiple}.`,
  });
}

interface WeightedBlockOptions {
  /** `[B, H, W, C]`. */
  readonly x: Tensor4D;
  readonly weights: Weights;
  /** Where the block's parameters stand in `weights`. */
  readonly name: string;
}

/**
 * `x + conv2(silu(norm2(conv1(silu(norm1(x))))))`, with a 1 x 1 convolution on the skip where channels change.
 *
 * @returns `[B, H, W, out]`; the caller owns it
 */
function resnetBlock({ x, weights, name }: WeightedBlockOptions): Tensor4D {
  const half = (input: Tensor4D, number: 1 | 2): Tensor4D => {
    const normed = groupNorm({ x: input, ...weights.affine(`${name}.norm${number}`) });
    return convolution({ x: silu(normed), ...weights.affine(`${name}.conv${number}`) });
  };
  const shortcut = `${name}.conv_shortcut`;
  const skip = weights.has(`${shortcut}.weight`)
    ? convolution({ x, ...weights.affine(shortcut) })
    : x;
  return add(skip, half(half(x, 1), 2));
}

/**
 * `x + attention(norm(x))` with one head over all pixels, as in the middle of the Stable Diffusion VAE.
 *
 * @returns `[B, H, W, C]`; the caller owns it
 */
function spatialAttention({ x, weights, name }: WeightedBlockOptions): Tensor4D {
  const [, height, width, channels] = x.shape;
  const normed = groupNorm({ x, ...weights.affine(`${name}.group_norm`) });
  const pixels = reshape(normed, [-1, 1, height * width, channels]);
  const project = (part: string): Tensor4D =>
    dense({ x: pixels, weights, name: `${name}.${part}` }) as Tensor4D;
  const mixed = scaledDotProductAttention({
    query: project('to_q'),
    key: project('to_k'),
    value: project('to_v'),
  });
  const output = dense({ x: mixed, weights, name: `${name}.to_out.0` });
  return add(x, reshape(output, [-1, height, width, channels]));
}

/**
 * Doubles height and width by repeating every pixel (nearest neighbour): each pixel beside itself, then each row below
 * itself. Only reshapes and concatenations, so it runs and traces everywhere.
 *
 * @param x `[B, H, W, C]`
 * @returns `[B, 2 H, 2 W, C]`; the caller owns it
 */
export function upsample(x: Tensor4D): Tensor4D {
  const [, height, width, channels] = x.shape;
  const pixels = reshape(x, [-1, 1, channels]);
  const rows = reshape(concat([pixels, pixels], 1), [-1, 1, 2 * width * channels]);
  return reshape(concat([rows, rows], 1), [-1, 2 * height, 2 * width, channels]);
}

/** One step of a network. Must not return its input. */
type Stage = (x: Tensor4D) => Tensor4D;

/**
 * Feeds `x` through the stages in order and frees every intermediate image as soon as the next one stands, which is what
 * bounds the memory of a large decode.
 *
 * @param x not disposed
 * @returns the last stage's output; the caller owns it
 */
function runStages(x: Tensor4D, stages: readonly Stage[]): Tensor4D {
  return tidy(() =>
    stages.reduce((current, stage) => {
      const next = tidy(() => stage(current));
      if (current !== x) current.dispose();
      return next;
    }, x),
  );
}

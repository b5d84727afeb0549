import type { Backbone, BackboneSpec, ConditionInput, NamedTensors } from '@harmonica/core';
import {
  add,
  cast,
  concat,
  mul,
  reshape,
  sub,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';
import { adaptiveTransformer } from '../layers/adaptive-transformer.js';
import { compressedAttention, crossAttention, selfAttention } from '../layers/attention.js';
import { dense, mlp, silu } from '../layers/linear.js';
import {
  ASPECT_RATIO,
  blockBranches,
  CAPTION,
  CAPTION_MASK,
  contextOf,
  RESOLUTION,
} from '../layers/stream.js';
import { timestepMlp, timestepMlpMacs } from '../layers/timestep.js';
import { transformerSizes } from '../transformer-config.js';
import type { ModelParts, Weights } from '../weights/weights.js';
import { assertPixartConfig, compressionOf, type PixartConfig } from './pixart-config.js';

/** Taken from the scores of padding, whose share the softmax of float32 makes zero. */
const PENALTY = 1e4;

/**
 * The text-to-image transformer with adaLN-single (Chen et al., 2023; 2024), as published:
 *
 *     x += gate1 * attention(norm(x) * (1 + scale1) + shift1)
 *     x += cross_attention(x, caption)
 *     x += gate2 * mlp(norm(x) * (1 + scale2) + shift2)
 *
 * with shifts, scales and gates the sum of one modulation for all blocks and a table of each block's own. The stream's
 * state is `tokens` `[B, L, D]`; its context is `modulation` `[B, 6, D]`, `final` `[B, 2, D]`, `caption` `[B, M, D]` and
 * `captionBias` `[B, 1, 1, M]`.
 */
export function createPixart(parts: ModelParts<PixartConfig>): Backbone {
  const { config, weights } = parts;
  const { heads, inputSize, patchSize, positionScale } = config;
  const { rows, columns } = transformerSizes(config);
  return adaptiveTransformer({
    ...parts,
    spec: pixartSpec(config),
    positions: { baseSize: inputSize / patchSize, interpolation: positionScale },
    context: (time, condition) => ({
      ...modulations(parts, time, condition),
      ...captionContext(weights, condition),
    }),
    modulationOf: (stream, { block }) =>
      add(contextOf(stream, 'modulation'), weights.get(`blocks.${block}.scale_shift_table`)),

    attention(x, { kind, block }, { stream, name }) {
      if (kind === 'cross-attention') {
        const context = contextOf(stream, 'caption');
        const bias = contextOf(stream, 'captionBias');
        return crossAttention({ x, context, bias, weights, name: `${name}.cross_attn`, heads });
      }
      const shared = { x, weights, name: `${name}.attn`, heads };
      const factor = compressionOf(config, block);
      return factor > 1
        ? compressedAttention({ ...shared, grid: { rows, columns, factor } })
        : selfAttention(shared);
    },
  });
}

/** What adaLN-single makes of time and image size. */
function modulations(
  { config, weights }: ModelParts<PixartConfig>,
  time: Tensor1D,
  condition: NamedTensors,
): NamedTensors {
  const { hiddenSize, microConditions } = config;
  const embedded = timestepMlp({ time, weights, name: 't_embedder' });
  const signal = microConditions ? add(embedded, sizeEmbedding(weights, condition)) : embedded;
  const modulation = dense({ x: silu(signal), weights, name: 't_block.1' });
  const table = weights.get('final_layer.scale_shift_table');
  return {
    modulation: reshape(modulation, [-1, 6, hiddenSize]),
    final: add(reshape(signal, [-1, 1, hiddenSize]), table),
  };
}

/** Height, width and aspect ratio, each embedded to a third of the width: `[B, D]`. */
function sizeEmbedding(weights: Weights, condition: NamedTensors): Tensor {
  const embed = (name: string, input: string): Tensor => {
    const numbers = condition[input] as Tensor;
    const embedded = timestepMlp({ time: reshape(numbers, [-1]), weights, name });
    const [, count = 0] = numbers.shape;
    return reshape(embedded, [-1, count * (embedded.shape[1] as number)]);
  };
  return concat([embed('csize_embedder', RESOLUTION), embed('ar_embedder', ASPECT_RATIO)], 1);
}

/** The caption's tokens at the width of the model, and what keeps attention away from padding. */
function captionContext(weights: Weights, condition: NamedTensors): NamedTensors {
  const mask = condition[CAPTION_MASK] as Tensor;
  const [, count = 0] = mask.shape;
  return {
    caption: mlp({ x: condition[CAPTION] as Tensor, weights, name: 'y_embedder.y_proj' }),
    captionBias: reshape(mul(sub(cast(mask, 'float32'), 1), PENALTY), [-1, 1, 1, count]),
  };
}

/**
 * What a PixArt of this configuration takes, gives and costs. Branches are self-attention, cross-attention and MLP, block
 * by block. `macs` counts the multiply-accumulates of matrix products and convolutions, of padding tokens too.
 *
 * There is no null condition: the unconditional half of guidance is a caption too, that of a negative prompt.
 *
 * @throws {@link InvalidArgumentError}
 */
export function pixartSpec(config: PixartConfig): BackboneSpec {
  assertPixartConfig(config);
  const { name, depth, hiddenSize, latentHeight, latentWidth, inChannels } = config;
  const { patches, patchOutputs, outputChannels } = transformerSizes(config);
  const branches = blockBranches({
    blocks: depth,
    kinds: ['attention', 'cross-attention', 'mlp'],
  });
  return {
    name,
    latent: { height: latentHeight, width: latentWidth, channels: inChannels },
    outputChannels,
    prediction: 'epsilon',
    tokens: { count: patches, width: hiddenSize },
    condition: conditionInputs(config),
    branches,
    macs: {
      begin: beginMacs(config),
      branches: branches.map(({ kind, block }) => BRANCH_MACS[kind](config, block)),
      end: patches * hiddenSize * patchOutputs,
    },
  };
}

function conditionInputs(config: PixartConfig): ConditionInput[] {
  const { captionTokens, captionChannels, microConditions } = config;
  const caption: ConditionInput[] = [
    { name: CAPTION, dtype: 'float32', shape: [captionTokens, captionChannels] },
    { name: CAPTION_MASK, dtype: 'int32', shape: [captionTokens] },
  ];
  if (!microConditions) return caption;
  return [
    ...caption,
    { name: RESOLUTION, dtype: 'float32', shape: [2] },
    { name: ASPECT_RATIO, dtype: 'float32', shape: [1] },
  ];
}

function beginMacs(config: PixartConfig): number {
  const { hiddenSize: d, captionTokens, captionChannels, microConditions } = config;
  const { patches: tokens, patchInputs } = transformerSizes(config);
  const time = timestepMlpMacs(d) + (microConditions ? 3 * timestepMlpMacs(d / 3) : 0);
  return (
    tokens * patchInputs * d + time + 6 * d * d + captionTokens * (captionChannels * d + d * d)
  );
}

const BRANCH_MACS = {
  attention: (config: PixartConfig, block: number): number => {
    const { hiddenSize: d } = config;
    const { patches: tokens } = transformerSizes(config);
    const factor = compressionOf(config, block);
    const compression = factor > 1 ? 2 * tokens * d : 0;
    return 4 * tokens * d * d + compression + (2 * tokens * tokens * d) / factor ** 2;
  },
  'cross-attention': (config: PixartConfig): number => {
    const { hiddenSize: d, captionTokens: m } = config;
    const { patches: tokens } = transformerSizes(config);
    return 2 * tokens * d * d + 2 * m * d * d + 2 * tokens * m * d;
  },
  mlp: (config: PixartConfig): number => {
    const { patches: tokens, mlpWidth } = transformerSizes(config);
    return 2 * tokens * config.hiddenSize * mlpWidth;
  },
} as const;

import type { BackboneSpec, ConditionInput } from '@harmonica/core';
import { blockBranches } from './branches.js';
import { ASPECT_RATIO, CAPTION, CAPTION_MASK, RESOLUTION } from './condition-names.js';
import {
  assertPixartConfig,
  compressionOf,
  type PixartConfig,
  pixartSizes,
} from './pixart-config.js';
import { timestepMlpMacs } from './timestep-mlp.js';

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
  const { tokens, outputChannels } = pixartSizes(config);
  const branches = blockBranches({
    blocks: depth,
    kinds: ['attention', 'cross-attention', 'mlp'],
  });
  return {
    name,
    latent: { height: latentHeight, width: latentWidth, channels: inChannels },
    outputChannels,
    prediction: 'epsilon',
    tokens: { count: tokens, width: hiddenSize },
    condition: conditionInputs(config),
    branches,
    macs: {
      begin: beginMacs(config),
      branches: branches.map(({ kind, block }) => BRANCH_MACS[kind](config, block)),
      end: tokens * hiddenSize * pixartSizes(config).patchOutputs,
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
  const { tokens, patchInputs } = pixartSizes(config);
  const time = timestepMlpMacs(d) + (microConditions ? 3 * timestepMlpMacs(d / 3) : 0);
  return (
    tokens * patchInputs * d + time + 6 * d * d + captionTokens * (captionChannels * d + d * d)
  );
}

const BRANCH_MACS = {
  attention: (config: PixartConfig, block: number): number => {
    const { hiddenSize: d } = config;
    const { tokens } = pixartSizes(config);
    const factor = compressionOf(config, block);
    const compression = factor > 1 ? 2 * tokens * d : 0;
    return 4 * tokens * d * d + compression + (2 * tokens * tokens * d) / factor ** 2;
  },
  'cross-attention': (config: PixartConfig): number => {
    const { hiddenSize: d, captionTokens: m } = config;
    const { tokens } = pixartSizes(config);
    return 2 * tokens * d * d + 2 * m * d * d + 2 * tokens * m * d;
  },
  mlp: (config: PixartConfig): number => {
    const { tokens, mlpWidth } = pixartSizes(config);
    return 2 * tokens * config.hiddenSize * mlpWidth;
  },
} as const;

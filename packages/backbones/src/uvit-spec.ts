import type { BackboneSpec, ConditionInput } from '@harmonica/core';
import { blockBranches } from './branches.js';
import { CAPTION, LABELS } from './condition-names.js';
import { assertUvitConfig, type UvitConfig, uvitSizes } from './uvit-config.js';

/**
 * What a U-ViT of this configuration takes, gives and costs. Branches alternate attention and MLP, block by block, the
 * middle block among them. Long skips are joined between blocks and are no branches: their layers run at every step, and
 * `macs.begin` holds them.
 *
 * @throws {@link InvalidArgumentError}
 */
export function uvitSpec(config: UvitConfig): BackboneSpec {
  assertUvitConfig(config);
  const { name, depth, hiddenSize, inputSize, inChannels, numClasses, nullClass } = config;
  const branches = blockBranches({ blocks: depth + 1, kinds: ['attention', 'mlp'] });
  const macs = uvitMacs(config);
  return {
    name,
    latent: { height: inputSize, width: inputSize, channels: inChannels },
    outputChannels: inChannels,
    prediction: 'epsilon',
    tokens: { count: uvitSizes(config).tokens, width: hiddenSize },
    condition: conditionInputs(config),
    ...(nullClass && { nullCondition: { [LABELS]: [numClasses] } }),
    branches,
    macs: {
      begin: macs.begin,
      branches: branches.map(({ kind }) => (kind === 'mlp' ? macs.mlp : macs.attention)),
      end: macs.end,
    },
  };
}

function conditionInputs(config: UvitConfig): ConditionInput[] {
  const { numClasses, captionTokens, captionChannels } = config;
  if (numClasses > 0) return [{ name: LABELS, dtype: 'int32', shape: [] }];
  if (captionTokens === 0) return [];
  return [{ name: CAPTION, dtype: 'float32', shape: [captionTokens, captionChannels] }];
}

/** Multiply-accumulates of one sample, for each part of a U-ViT. */
function uvitMacs(config: UvitConfig) {
  const { hiddenSize: d, inputSize, inChannels, captionTokens, captionChannels } = config;
  const { tokens, gridSize, patchValues, mlpWidth, skips } = uvitSizes(config);
  const patches = gridSize ** 2;
  const joins = skips * tokens * 2 * d * d;
  const convolution = config.finalConvolution ? 9 * inChannels ** 2 * inputSize ** 2 : 0;
  return {
    begin: patches * patchValues * d + captionTokens * captionChannels * d + joins,
    attention: 4 * tokens * d * d + 2 * tokens * tokens * d,
    mlp: 2 * tokens * d * mlpWidth,
    end: patches * d * patchValues + convolution,
  };
}

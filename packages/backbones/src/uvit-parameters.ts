import {
  convParameters,
  layerNormParameters,
  linearParameters,
  type Parameter,
  patchParameters,
  plainParameter,
  tableParameter,
} from './parameter.js';
import { type UvitConfig, uvitBlockName, uvitSizes } from './uvit-config.js';

/** Every tensor of a U-ViT under its official name, in the order in which they are used. */
export function uvitParameters(config: UvitConfig): Parameter[] {
  const { depth, hiddenSize: width, patchSize, inChannels, finalConvolution } = config;
  const { tokens, patchValues } = uvitSizes(config);
  return [
    ...patchParameters({
      name: 'patch_embed.proj',
      inputs: inChannels,
      outputs: width,
      kernel: patchSize,
    }),
    ...conditionParameters(config),
    plainParameter('pos_embed', [1, tokens, width], 0.5),
    ...Array.from({ length: depth + 1 }, (_, block) => blockParameters(config, block)).flat(),
    ...layerNormParameters('norm', width),
    ...linearParameters('decoder_pred', width, patchValues),
    ...(finalConvolution
      ? convParameters({ name: 'final_layer', inputs: inChannels, outputs: inChannels, kernel: 3 })
      : []),
  ];
}

function conditionParameters(config: UvitConfig): Parameter[] {
  const { numClasses, nullClass, captionChannels, hiddenSize: width } = config;
  if (numClasses > 0) return [tableParameter('label_emb', numClasses + (nullClass ? 1 : 0), width)];
  return captionChannels > 0 ? linearParameters('context_embed', captionChannels, width) : [];
}

function blockParameters(config: UvitConfig, block: number): Parameter[] {
  const { hiddenSize: width } = config;
  const { mlpWidth, skips } = uvitSizes(config);
  const name = uvitBlockName(config, block);
  return [
    ...(block > skips ? linearParameters(`${name}.skip_linear`, 2 * width, width) : []),
    ...layerNormParameters(`${name}.norm1`, width),
    ...linearParameters(`${name}.attn.qkv`, width, 3 * width, { bias: false }),
    ...linearParameters(`${name}.attn.proj`, width, width),
    ...layerNormParameters(`${name}.norm2`, width),
    ...linearParameters(`${name}.mlp.fc1`, width, mlpWidth),
    ...linearParameters(`${name}.mlp.fc2`, mlpWidth, width),
  ];
}

import type { Backbone } from '@harmonica/core';
import {
  type Blueprint,
  type LoadModelOptions,
  loadModel,
  type RandomModelOptions,
  randomModel,
} from '../weights/blueprint.js';
import {
  convParameters,
  layerNormParameters,
  linearParameters,
  type Parameter,
  patchParameters,
  plainParameter,
  tableParameter,
} from '../weights/parameter.js';
import { createUvit } from './uvit.js';
import { assertUvitConfig, type UvitConfig, uvitBlockName, uvitSizes } from './uvit-config.js';

/**
 * Loads a U-ViT from a checkpoint with the official parameter names, the only ones it has been published with, one
 * tensor at a time.
 *
 * @returns a backbone whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError} if no U-ViT has this configuration
 * @throws {@link CheckpointError} naming each tensor that is missing, unknown or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export function loadUvit(options: LoadModelOptions<UvitConfig>): Promise<Backbone> {
  return loadModel(UVIT, options);
}

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

/**
 * A U-ViT of random weights, for tests and benchmarks; the same seed gives the same weights.
 *
 * @returns a backbone on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError}
 */
export function randomUvit(options: RandomModelOptions<UvitConfig>): Backbone {
  return randomModel(UVIT, options);
}

const UVIT: Blueprint<UvitConfig, Backbone> = {
  assertConfig: assertUvitConfig,
  owner: ({ name }) => name,
  layouts: (config) => [{ parameters: uvitParameters(config) }],
  create: createUvit,
};

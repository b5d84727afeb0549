import type { Backbone } from '@harmonica/core';
import { type BackboneFamily, slugOf } from '../family.js';
import {
  type Blueprint,
  type LoadModelOptions,
  loadModel,
  type RandomModelOptions,
  randomModel,
  unwrapped,
} from '../weights/load-model.js';
import {
  convParameters,
  layerNormParameters,
  linearParameters,
  type Parameter,
  patchParameters,
  plainParameter,
  tableParameter,
} from '../weights/parameter.js';
import { createUvit, uvitSpec } from './uvit.js';
import {
  assertUvitConfig,
  UVIT_MODELS,
  type UvitConfig,
  type UvitModel,
  uvitBlockName,
  uvitConfig,
  uvitSizes,
} from './uvit-config.js';

/** The U-ViTs of Bao et al. (2023). diffusers has no class for them. */
export const UVIT = {
  models: UVIT_MODELS,
  published: UVIT_MODELS.flatMap((model) =>
    namesOf(model).map((name) => ({ name, config: () => uvitConfig(model) })),
  ),
  custom: (fields) => uvitConfig('imagenet256_uvit_huge', fields),
  spec: uvitSpec,
  process: ({ inChannels }) => ({
    kind: 'diffusion',
    sampler: 'dpm-solver++',
    // Its models of latents have the noise of Stable Diffusion, those of pixels that of DDPM.
    schedule: inChannels === 3 ? 'linear' : 'scaled-linear',
  }),
  guidance: ({ inChannels, nullClass, captionTokens }) => ({
    scale: captionTokens > 0 ? 2 : nullClass ? 1.4 : 1,
    channels: inChannels,
  }),
  classes: ({ numClasses }) => numClasses,
  resized: (config, { height, channels }) => ({
    ...config,
    inputSize: height,
    inChannels: channels,
  }),
  unwrapped: (config, source) => unwrapped(BLUEPRINT, config, source),
  fittedTo: (config) => config,
  load: loadUvit,
  random: randomUvit,
} as const satisfies BackboneFamily<UvitConfig>;

/** The name of its checkpoint, and a short one where its own name is its alone. */
function namesOf(model: UvitModel): string[] {
  const { name } = uvitConfig(model);
  const namesakes = UVIT_MODELS.filter((other) => uvitConfig(other).name === name);
  return namesakes.length > 1 ? [slugOf(model)] : [slugOf(name), slugOf(model)];
}

/**
 * Loads a U-ViT from a checkpoint with the official parameter names, the only ones it has been published with, one
 * tensor at a time.
 *
 * @returns a backbone whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws as {@link loadDit} does
 */
export function loadUvit(options: LoadModelOptions<UvitConfig>): Promise<Backbone> {
  return loadModel(BLUEPRINT, options);
}

/** Every tensor of a U-ViT under its official name, in the order in which they are used. */
export function uvitParameters(config: UvitConfig): Parameter[] {
  const { depth, hiddenSize: width, inChannels, finalConvolution } = config;
  const { tokens, patchOutputs } = uvitSizes(config);
  return [
    ...patchParameters('patch_embed.proj', config),
    ...conditionParameters(config),
    plainParameter('pos_embed', [1, tokens, width], 0.5),
    ...Array.from({ length: depth + 1 }, (_, block) => blockParameters(config, block)).flat(),
    ...layerNormParameters('norm', width),
    ...linearParameters('decoder_pred', width, patchOutputs),
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

/** A U-ViT of random weights; owner and errors are as of {@link randomDit}. */
export function randomUvit(options: RandomModelOptions<UvitConfig>): Backbone {
  return randomModel(BLUEPRINT, options);
}

const BLUEPRINT: Blueprint<UvitConfig, Backbone> = {
  assertConfig: assertUvitConfig,
  owner: ({ name }) => name,
  layouts: (config) => [{ parameters: uvitParameters(config) }],
  create: createUvit,
};

import type { Backbone } from '@harmonica/core';
import { type BackboneFamily, slugOf } from '../family.js';
import { DIFFUSERS_LAYERS } from '../layers/adaptive-transformer.js';
import { timestepMlpParameters } from '../layers/timestep.js';
import { transformerSizes } from '../transformer-config.js';
import {
  type Blueprint,
  type LoadModelOptions,
  loadModel,
  type RandomModelOptions,
  randomModel,
  unwrapped,
} from '../weights/load-model.js';
import {
  depthwiseParameters,
  inLayout,
  type Layout,
  type LayoutRule,
  layerNormParameters,
  linearParameters,
  type Parameter,
  patchParameters,
  plainParameter,
} from '../weights/parameter.js';
import { createPixart, pixartSpec } from './pixart.js';
import {
  assertPixartConfig,
  compressionOf,
  PIXART_MODELS,
  type PixartConfig,
  type PixartModel,
  pixartConfig,
  pixartConfigOf,
} from './pixart-config.js';

/** PixArt-alpha (Chen et al., 2023) and PixArt-Sigma (Chen et al., 2024). */
export const PIXART = {
  models: PIXART_MODELS,
  published: PIXART_MODELS.flatMap((model) =>
    [shortName(model), slugOf(model)].map((name) => ({ name, config: () => pixartConfig(model) })),
  ),
  custom: (fields) => pixartConfig('PixArt-XL-2-256x256', fields),
  diffusers: {
    recognises: ({ config }) =>
      config.norm_type === 'ada_norm_single' || config._class_name === 'PixArtTransformer2DModel',
    // Only the index tells PixArt-alpha's captions of 120 tokens from PixArt-Sigma's of 300.
    configOf: ({ config, index }) =>
      pixartConfigOf(config, {
        captionTokens: String(index._class_name).startsWith('PixArtSigma') ? 300 : 120,
      }),
  },
  spec: pixartSpec,
  process: () => ({ kind: 'diffusion', sampler: 'dpm-solver++', schedule: 'linear' }),
  guidance: ({ inChannels }) => ({ scale: 4.5, channels: inChannels }),
  classes: () => 0,
  resized: (config, { height, width }) => ({
    ...config,
    latentHeight: height,
    latentWidth: width,
  }),
  unwrapped: (config, source) => unwrapped(BLUEPRINT, config, source),
  fittedTo: (config) => config,
  load: loadPixart,
  random: randomPixart,
} as const satisfies BackboneFamily<PixartConfig>;

function shortName(model: PixartModel): string {
  const [, sigma, resolution = ''] = /^PixArt-(Sigma-)?XL-2-(\w+?)(?:x\d+|-MS)$/.exec(model) ?? [];
  return `pixart-${sigma ? 'sigma' : 'alpha'}-${slugOf(resolution)}`;
}

/**
 * Loads a PixArt-alpha or PixArt-Sigma from a checkpoint with the official parameter names or with those of diffusers
 * (`PixArtTransformer2DModel`), one tensor at a time. A stored position table is left out, as the official code does: it
 * is computed for the configuration's grid.
 *
 * @returns a backbone whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws as {@link loadDit} does
 */
export function loadPixart(options: LoadModelOptions<PixartConfig>): Promise<Backbone> {
  return loadModel(BLUEPRINT, options);
}

/** Every trained tensor of a PixArt under its official name, in the order in which they are used. */
export function pixartParameters(config: PixartConfig): Parameter[] {
  const { depth, hiddenSize: width, captionChannels } = config;
  const { patchOutputs } = transformerSizes(config);
  return [
    ...patchParameters('x_embedder.proj', config),
    ...timestepMlpParameters('t_embedder', width),
    ...(config.microConditions
      ? ['csize_embedder', 'ar_embedder'].flatMap((name) => timestepMlpParameters(name, width / 3))
      : []),
    ...linearParameters('t_block.1', width, 6 * width),
    ...linearParameters('y_embedder.y_proj.fc1', captionChannels, width),
    ...linearParameters('y_embedder.y_proj.fc2', width, width),
    ...Array.from({ length: depth }, (_, block) => blockParameters(config, block)).flat(),
    plainParameter('final_layer.scale_shift_table', [2, width], 0.5),
    ...linearParameters('final_layer.linear', width, patchOutputs),
  ];
}

function blockParameters(config: PixartConfig, block: number): Parameter[] {
  const { hiddenSize: width } = config;
  const { mlpWidth } = transformerSizes(config);
  const name = `blocks.${block}`;
  const factor = compressionOf(config, block);
  return [
    plainParameter(`${name}.scale_shift_table`, [6, width], 0.5),
    ...linearParameters(`${name}.attn.qkv`, width, 3 * width),
    ...(factor > 1
      ? [
          ...depthwiseParameters(`${name}.attn.sr`, width, factor),
          ...layerNormParameters(`${name}.attn.norm`, width),
        ]
      : []),
    ...linearParameters(`${name}.attn.proj`, width, width),
    ...linearParameters(`${name}.cross_attn.q_linear`, width, width),
    ...linearParameters(`${name}.cross_attn.kv_linear`, width, 2 * width),
    ...linearParameters(`${name}.cross_attn.proj`, width, width),
    ...linearParameters(`${name}.mlp.fc1`, width, mlpWidth),
    ...linearParameters(`${name}.mlp.fc2`, mlpWidth, width),
  ];
}

/**
 * diffusers' names (`PixArtTransformer2DModel`). It has none for compressed keys and values; here they keep their
 * official ones.
 */
const DIFFUSERS: readonly LayoutRule[] = [
  ...DIFFUSERS_LAYERS,
  ['t_embedder.mlp.0', 'adaln_single.emb.timestep_embedder.linear_1'],
  ['t_embedder.mlp.2', 'adaln_single.emb.timestep_embedder.linear_2'],
  ['csize_embedder.mlp.0', 'adaln_single.emb.resolution_embedder.linear_1'],
  ['csize_embedder.mlp.2', 'adaln_single.emb.resolution_embedder.linear_2'],
  ['ar_embedder.mlp.0', 'adaln_single.emb.aspect_ratio_embedder.linear_1'],
  ['ar_embedder.mlp.2', 'adaln_single.emb.aspect_ratio_embedder.linear_2'],
  ['t_block.1', 'adaln_single.linear'],
  ['y_embedder.y_proj.fc1', 'caption_projection.linear_1'],
  ['y_embedder.y_proj.fc2', 'caption_projection.linear_2'],
  ['blocks.*.scale_shift_table', 'transformer_blocks.*.scale_shift_table'],
  ['blocks.*.attn.sr', 'transformer_blocks.*.attn1.sr'],
  ['blocks.*.attn.norm', 'transformer_blocks.*.attn1.norm'],
  ['blocks.*.cross_attn.q_linear', 'transformer_blocks.*.attn2.to_q'],
  [
    'blocks.*.cross_attn.kv_linear',
    'transformer_blocks.*.attn2.to_k',
    'transformer_blocks.*.attn2.to_v',
  ],
  ['blocks.*.cross_attn.proj', 'transformer_blocks.*.attn2.to_out.0'],
  ['final_layer.scale_shift_table', 'scale_shift_table'],
  ['final_layer.linear', 'proj_out'],
];

/** The official layout of a PixArt, and that of diffusers. The extras are tables that are computed or not needed. */
export function pixartLayouts(config: PixartConfig): [Layout, Layout] {
  const parameters = pixartParameters(config);
  return [
    { parameters, extras: ['pos_embed', 'y_embedder.y_embedding'] },
    {
      parameters: inLayout({ parameters, rules: DIFFUSERS }),
      extras: ['pos_embed.pos_embed', 'caption_projection.y_embedding'],
    },
  ];
}

/** A PixArt of random weights; owner and errors are as of {@link randomDit}. */
export function randomPixart(options: RandomModelOptions<PixartConfig>): Backbone {
  return randomModel(BLUEPRINT, options);
}

const BLUEPRINT: Blueprint<PixartConfig, Backbone> = {
  assertConfig: assertPixartConfig,
  owner: ({ name }) => name,
  layouts: pixartLayouts,
  create: createPixart,
};

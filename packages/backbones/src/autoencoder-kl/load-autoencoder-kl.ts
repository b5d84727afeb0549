import {
  type Blueprint,
  type LoadModelOptions,
  loadModel,
  type RandomModelOptions,
  randomModel,
} from '../weights/load-model.js';
import {
  convParameters,
  groupNormParameters,
  linearParameters,
  type Parameter,
  type StoredTensor,
} from '../weights/parameter.js';
import { type AutoencoderKl, createAutoencoderKl } from './autoencoder-kl.js';
import { type AutoencoderKlConfig, assertAutoencoderKlConfig } from './config.js';

/**
 * Loads an AutoencoderKL from a checkpoint with diffusers' parameter names, one tensor at a time. The attention may be
 * stored as `to_q`, `to_k`, `to_v`, `to_out.0` or under its older names `query`, `key`, `value`, `proj_attn`, as
 * matrices or as 1 x 1 convolutions.
 *
 * @returns an autoencoder whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws as {@link loadDit} does
 */
export function loadAutoencoderKl(
  options: LoadModelOptions<AutoencoderKlConfig>,
): Promise<AutoencoderKl> {
  return loadModel(AUTOENCODER, options);
}

/** Attention projections, and what diffusers called them before version 0.17. */
const OLD_PROJECTIONS = { to_q: 'query', to_k: 'key', to_v: 'value', 'to_out.0': 'proj_attn' };

/** Every tensor of an AutoencoderKL under its diffusers name, encoder first. */
export function autoencoderKlParameters(config: AutoencoderKlConfig): Parameter[] {
  const { latentChannels, useQuantConv, usePostQuantConv } = config;
  const pointwise = (name: string, channels: number) =>
    convParameters({ name, inputs: channels, outputs: channels, kernel: 1 });
  return [
    ...encoderParameters(config),
    ...(useQuantConv ? pointwise('quant_conv', 2 * latentChannels) : []),
    ...(usePostQuantConv ? pointwise('post_quant_conv', latentChannels) : []),
    ...decoderParameters(config),
  ];
}

function encoderParameters(config: AutoencoderKlConfig): Parameter[] {
  const { imageChannels, latentChannels, blockOutChannels } = config;
  const { layersPerBlock: layers, normNumGroups: groups } = config;
  const first = blockOutChannels[0] as number;
  const last = blockOutChannels.at(-1) as number;
  const levels = blockOutChannels.map((outputs, level) => {
    const inputs = blockOutChannels[level - 1] ?? first;
    const name = `encoder.down_blocks.${level}`;
    return [
      ...resnetsParameters({ name, inputs, outputs, layers, groups }),
      ...(level < blockOutChannels.length - 1
        ? conv3(`${name}.downsamplers.0.conv`, outputs, outputs)
        : []),
    ];
  });
  return [
    ...conv3('encoder.conv_in', imageChannels, first),
    ...levels.flat(),
    ...middleParameters(config, 'encoder.mid_block'),
    ...groupNormParameters('encoder.conv_norm_out', last, groups),
    ...conv3('encoder.conv_out', last, 2 * latentChannels),
  ];
}

function decoderParameters(config: AutoencoderKlConfig): Parameter[] {
  const { imageChannels, latentChannels, blockOutChannels, normNumGroups: groups } = config;
  const layers = config.layersPerBlock + 1;
  const channels = [...blockOutChannels].reverse();
  const first = channels[0] as number;
  const last = channels.at(-1) as number;
  const levels = channels.map((outputs, level) => {
    const inputs = channels[level - 1] ?? first;
    const name = `decoder.up_blocks.${level}`;
    return [
      ...resnetsParameters({ name, inputs, outputs, layers, groups }),
      ...(level < channels.length - 1 ? conv3(`${name}.upsamplers.0.conv`, outputs, outputs) : []),
    ];
  });
  return [
    ...conv3('decoder.conv_in', latentChannels, first),
    ...middleParameters(config, 'decoder.mid_block'),
    ...levels.flat(),
    ...groupNormParameters('decoder.conv_norm_out', last, groups),
    ...conv3('decoder.conv_out', last, imageChannels),
  ];
}

function middleParameters(config: AutoencoderKlConfig, name: string): Parameter[] {
  const { blockOutChannels, normNumGroups: groups, midBlockAddAttention } = config;
  const channels = blockOutChannels.at(-1) as number;
  return [
    ...resnetsParameters({ name, inputs: channels, outputs: channels, layers: 2, groups }),
    ...(midBlockAddAttention ? attentionParameters(`${name}.attentions.0`, channels, groups) : []),
  ];
}

function attentionParameters(name: string, channels: number, groups: number): Parameter[] {
  const projections = Object.entries(OLD_PROJECTIONS).flatMap(([current, old]) =>
    linearParameters(`${name}.${current}`, channels, channels).map((parameter) => ({
      ...parameter,
      stored: parameter.stored.map((tensor) => ({
        ...tensor,
        names: [parameter.name, parameter.name.replace(`.${current}.`, `.${old}.`)],
        shapes: withPointwise(tensor.shapes),
      })),
    })),
  );
  return [...groupNormParameters(`${name}.group_norm`, channels, groups), ...projections];
}

/** Matrices that older files store as 1 x 1 convolutions. */
function withPointwise(shapes: StoredTensor['shapes']): StoredTensor['shapes'] {
  return shapes.flatMap((shape) => (shape.length === 2 ? [shape, [...shape, 1, 1]] : [shape]));
}

interface ResnetsParametersOptions {
  readonly name: string;
  /** Channels into the first block. */
  readonly inputs: number;
  readonly outputs: number;
  readonly layers: number;
  readonly groups: number;
}

function resnetsParameters(options: ResnetsParametersOptions): Parameter[] {
  const { name, inputs, outputs, layers, groups } = options;
  return Array.from({ length: layers }, (_, layer) => {
    const resnet = `${name}.resnets.${layer}`;
    const entering = layer === 0 ? inputs : outputs;
    return [
      ...groupNormParameters(`${resnet}.norm1`, entering, groups),
      ...conv3(`${resnet}.conv1`, entering, outputs),
      ...groupNormParameters(`${resnet}.norm2`, outputs, groups),
      ...conv3(`${resnet}.conv2`, outputs, outputs),
      ...(entering === outputs
        ? []
        : convParameters({
            name: `${resnet}.conv_shortcut`,
            inputs: entering,
            outputs,
            kernel: 1,
          })),
    ];
  }).flat();
}

function conv3(name: string, inputs: number, outputs: number): Parameter[] {
  return convParameters({ name, inputs, outputs, kernel: 3 });
}

/** An AutoencoderKL of random weights; owner and errors are as of {@link randomDit}. */
export function randomAutoencoderKl(
  options: RandomModelOptions<AutoencoderKlConfig>,
): AutoencoderKl {
  return randomModel(AUTOENCODER, options);
}

const AUTOENCODER: Blueprint<AutoencoderKlConfig, AutoencoderKl> = {
  assertConfig: assertAutoencoderKlConfig,
  owner: () => 'AutoencoderKL',
  layouts: (config) => [{ parameters: autoencoderKlParameters(config) }],
  create: createAutoencoderKl,
};

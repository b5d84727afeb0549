import type {
  Backbone,
  BackboneSpec,
  Branch,
  ConditionInput,
  NamedTensors,
  Stream,
} from '@harmonica/core';
import {
  add,
  concat,
  gather,
  type Rank,
  reshape,
  slice,
  type Tensor,
  type Tensor1D,
  type Tensor3D,
} from '@tensorflow/tfjs-core';
import { selfAttention } from '../layers/attention.js';
import { convolution, dense, exactGelu, mlp } from '../layers/linear.js';
import { affineNorm } from '../layers/norms.js';
import { patchify, unpatchify } from '../layers/patches.js';
import {
  assertBeginInput,
  assertBranchKind,
  blockBranches,
  CAPTION,
  LABELS,
  popSkip,
  pushSkip,
  skipStack,
  tokensOf,
} from '../layers/stream.js';
import { timestepEmbedding, timestepFrequencies } from '../layers/timestep.js';
import type { ModelParts } from '../weights/weights.js';
import { assertUvitConfig, type UvitConfig, uvitBlockName, uvitSizes } from './uvit-config.js';

const FREQUENCIES = 'constant.frequencies';

/**
 * The U-ViT (Bao et al., 2023): time and condition are tokens beside those of the patches, and blocks are joined in
 * pairs by long skips,
 *
 *     x = skip_linear([x, skip])                 (in the second half)
 *     x += attention(norm1(x))
 *     x += mlp(norm2(x))
 *
 * The stream's state is `tokens` `[B, L, D]` and the stack of skips, `skip.0`, `skip.1`, ... of the same shape; it has no
 * context. Time is the index of the noise level, as for every model of a diffusion; the official code counts from 1. The
 * branch that ends a block of the first half also saves its result, and the branch that ends a block before one of the
 * second half also joins that one's skip, so that every branch finds in `tokens` what it works on.
 */
export function createUvit(parts: ModelParts<UvitConfig>): Backbone {
  const { config, weights } = parts;
  const spec = uvitSpec(config);
  const { depth, heads, hiddenSize, patchSize } = config;
  const { rows, columns, extras, skips } = uvitSizes(config);
  const frequencies = timestepFrequencies(hiddenSize);
  weights.set(FREQUENCIES, frequencies, [frequencies.length]);

  const saved = (state: NamedTensors, tokens: Tensor): NamedTensors => ({
    ...pushSkip(state, tokens),
    tokens,
  });
  const joined = (state: NamedTensors, tokens: Tensor, { block }: Branch): NamedTensors => {
    const { skips: stack, latest } = popSkip(state);
    const x = concat([tokens, latest], 2);
    const name = `${uvitBlockName(config, block + 1)}.skip_linear`;
    return { ...stack, tokens: dense({ x, weights, name }) };
  };

  const input = ({ block, kind }: Branch, stream: Stream): Tensor => {
    const norm = kind === 'mlp' ? 'norm2' : 'norm1';
    const name = `${uvitBlockName(config, block)}.${norm}`;
    return affineNorm({ x: tokensOf(stream), weights, name });
  };

  return {
    spec,
    input,

    begin(latent, time, condition) {
      assertBeginInput({ spec, latent, time, condition });
      const image = patchify({ image: latent, patchSize });
      const patches = dense({ x: image, weights, name: 'patch_embed.proj' });
      const embedded = concat([...extraTokens(parts, time, condition), patches], 1);
      const tokens = add(embedded, weights.get('pos_embed'));
      return { state: { tokens, ...skipStack(tokens, skips) }, context: {} };
    },

    compute(branch, stream) {
      assertBranchKind(spec, branch);
      const name = uvitBlockName(config, branch.block);
      const x = input(branch, stream);
      return branch.kind === 'mlp'
        ? mlp({ x, weights, name: `${name}.mlp`, activation: exactGelu })
        : selfAttention({ x, weights, name: `${name}.attn`, heads });
    },

    merge(branch, { state }, output): NamedTensors {
      const tokens = add(state.tokens as Tensor, output);
      if (branch.kind === 'mlp' && branch.block < skips) return saved(state, tokens);
      if (branch.kind === 'mlp' && branch.block < depth) return joined(state, tokens, branch);
      return { ...state, tokens };
    },

    end({ state }) {
      const tokens = slice(state.tokens as Tensor3D, [0, extras, 0], [-1, -1, -1]);
      const x = affineNorm({ x: tokens, weights, name: 'norm' });
      const patches = dense({ x, weights, name: 'decoder_pred' });
      const image = unpatchify({ patches, patchSize, rows, columns });
      if (!config.finalConvolution) return image;
      return convolution({ x: image, ...weights.affine<Rank.R4, Rank.R1>('final_layer') });
    },

    dispose: () => weights.dispose(),
  };
}

/** The tokens before those of the patches, each `[B, ?, D]`: label and time, or time and caption. */
function extraTokens(
  { config, weights }: ModelParts<UvitConfig>,
  time: Tensor1D,
  condition: NamedTensors,
): Tensor[] {
  const { hiddenSize, numClasses, captionTokens } = config;
  const asToken = (x: Tensor): Tensor => reshape(x, [-1, 1, hiddenSize]);
  const embedded = timestepEmbedding({
    time: add(time, 1),
    frequencies: weights.get(FREQUENCIES),
  });
  const waves = asToken(embedded);
  if (numClasses > 0) {
    return [asToken(gather(weights.get('label_emb.weight'), condition[LABELS] as Tensor)), waves];
  }
  if (captionTokens === 0) return [waves];
  return [waves, dense({ x: condition[CAPTION] as Tensor, weights, name: 'context_embed' })];
}

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
  const { numClasses, nullClass, captionTokens, captionChannels } = config;
  const below = nullClass ? numClasses + 1 : numClasses;
  if (numClasses > 0) return [{ name: LABELS, dtype: 'int32', shape: [], below }];
  if (captionTokens === 0) return [];
  return [{ name: CAPTION, dtype: 'float32', shape: [captionTokens, captionChannels] }];
}

/** Multiply-accumulates of one sample, for each part of a U-ViT. */
function uvitMacs(config: UvitConfig) {
  const { hiddenSize: d, inputSize, inChannels, captionTokens, captionChannels } = config;
  const { tokens, patches, patchInputs, patchOutputs, mlpWidth, skips } = uvitSizes(config);
  const joins = skips * tokens * 2 * d * d;
  const convolution = config.finalConvolution ? 9 * inChannels ** 2 * inputSize ** 2 : 0;
  return {
    begin: patches * patchInputs * d + captionTokens * captionChannels * d + joins,
    attention: 4 * tokens * d * d + 2 * tokens * tokens * d,
    mlp: 2 * tokens * d * mlpWidth,
    end: patches * d * patchOutputs + convolution,
  };
}

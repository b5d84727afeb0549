import type { Backbone, Branch, NamedTensors, Stream } from '@harmonica/core';
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
import { assertBeginInput } from './begin-input.js';
import { CAPTION, LABELS } from './condition-names.js';
import { convolution } from './convolution.js';
import { dense } from './dense.js';
import { exactGelu } from './gelu.js';
import { affineNorm } from './layer-norm.js';
import { mlp } from './mlp.js';
import { patchify, unpatchify } from './patches.js';
import { selfAttention } from './self-attention.js';
import { popSkip, pushSkip, skipStack } from './skip-stack.js';
import { assertBranchKind, tokensOf } from './stream-tensors.js';
import { timestepEmbedding, timestepFrequencies } from './timestep-embedding.js';
import { type UvitConfig, uvitBlockName, uvitSizes } from './uvit-config.js';
import { uvitSpec } from './uvit-spec.js';
import type { Weights } from './weights.js';

const FREQUENCIES = 'constant.frequencies';

export interface UvitOptions {
  readonly config: UvitConfig;
  /** Every tensor of `uvitParameters(config)`. Owned by the backbone from here on. */
  readonly weights: Weights;
}

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
export function createUvit({ config, weights }: UvitOptions): Backbone {
  const spec = uvitSpec(config);
  const { depth, heads, hiddenSize, patchSize } = config;
  const { gridSize, extras, skips } = uvitSizes(config);
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
      const patches = dense({
        x: patchify({ image: latent, patchSize }),
        weights,
        name: 'patch_embed.proj',
      });
      const embedded = concat([...extraTokens({ config, weights, time, condition }), patches], 1);
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
      const image = unpatchify({ patches, patchSize, rows: gridSize, columns: gridSize });
      if (!config.finalConvolution) return image;
      return convolution({ x: image, ...weights.affine<Rank.R4, Rank.R1>('final_layer') });
    },

    dispose: () => weights.dispose(),
  };
}

interface ExtraTokensOptions extends UvitOptions {
  readonly time: Tensor1D;
  readonly condition: NamedTensors;
}

/** The tokens before those of the patches, each `[B, ?, D]`: label and time, or time and caption. */
function extraTokens({ config, weights, time, condition }: ExtraTokensOptions): Tensor[] {
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

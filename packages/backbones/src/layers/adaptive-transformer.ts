import type { Backbone, BackboneSpec, Branch, NamedTensors, Stream } from '@harmonica/core';
import {
  add,
  mul,
  type Rank,
  slice,
  type Tensor,
  type Tensor1D,
  type Tensor3D,
} from '@tensorflow/tfjs-core';
import { type SizedConfig, transformerSizes } from '../transformer-config.js';
import type { LayoutRule } from '../weights/parameter.js';
import type { ModelParts } from '../weights/weights.js';
import { dense, mlp } from './linear.js';
import { layerNorm } from './norms.js';
import { patchify, type SinCosPositionOptions, sinCosPosition, unpatchify } from './patches.js';
import { assertBeginInput, assertBranchKind, contextOf, tokensOf } from './stream.js';
import { addTimestepFrequencies } from './timestep.js';

/** Rows of a block's modulation `[B, 6, D]`: each shift, the scale below it, and the gate. */
const ROWS = {
  attention: { shift: 0, gate: 2 },
  mlp: { shift: 3, gate: 5 },
} as const;

const POSITIONS = 'constant.positions';

/** diffusers' names of the layers that all such transformers have. It splits queries, keys and values. */
export const DIFFUSERS_LAYERS: readonly LayoutRule[] = [
  ['x_embedder.proj', 'pos_embed.proj'],
  [
    'blocks.*.attn.qkv',
    'transformer_blocks.*.attn1.to_q',
    'transformer_blocks.*.attn1.to_k',
    'transformer_blocks.*.attn1.to_v',
  ],
  ['blocks.*.attn.proj', 'transformer_blocks.*.attn1.to_out.0'],
  ['blocks.*.mlp.fc1', 'transformer_blocks.*.ff.net.0.proj'],
  ['blocks.*.mlp.fc2', 'transformer_blocks.*.ff.net.2'],
];

interface AdaptiveTransformerOptions extends ModelParts<SizedConfig> {
  readonly spec: BackboneSpec;
  /** How positions are counted. Default: in tokens. */
  readonly positions?: Pick<SinCosPositionOptions, 'baseSize' | 'interpolation'>;
  /** What the model makes of time and condition: the context of a stream, with `final` `[B, 2, D]` in it. */
  context(time: Tensor1D, condition: NamedTensors): NamedTensors;
  /** Shifts, scales and gates of a branch's block, `[B, 6, D]`. */
  modulationOf(stream: Stream, branch: Branch): Tensor3D;
  /** The output of an attention, of either kind, to which `x` goes in. `name` is that of its block. */
  attention(x: Tensor, branch: Branch, at: { stream: Stream; name: string }): Tensor;
}

/**
 * A transformer whose layer norms are shifted and scaled, and whose branches are gated, as the condition says (Peebles and
 * Xie, 2022, Sec. 3.2); cross-attention takes and gives tokens as they are. The stream's state is `tokens` `[B, L, D]`.
 */
export function adaptiveTransformer(options: AdaptiveTransformerOptions): Backbone {
  const { config, weights, spec, positions, modulationOf, attention } = options;
  const { hiddenSize: width, patchSize } = config;
  const { rows, columns, patches } = transformerSizes(config);
  const table = sinCosPosition({ gridSize: { rows, columns }, width, ...positions });
  weights.set(POSITIONS, table, [patches, width]);
  addTimestepFrequencies(weights);

  const input = (branch: Branch, stream: Stream): Tensor => {
    const x = tokensOf(stream);
    if (branch.kind === 'cross-attention') return x;
    return modulatedNorm({
      x,
      modulation: modulationOf(stream, branch),
      row: ROWS[branch.kind].shift,
    });
  };

  return {
    spec,
    input,

    begin(latent, time, condition) {
      assertBeginInput({ spec, latent, time, condition });
      const image = patchify({ image: latent, patchSize });
      const embedded = dense({ x: image, weights, name: 'x_embedder.proj' });
      return {
        state: { tokens: add(embedded, weights.get(POSITIONS)) },
        context: options.context(time, condition),
      };
    },

    compute(branch, stream) {
      assertBranchKind(spec, branch);
      const x = input(branch, stream);
      const name = `blocks.${branch.block}`;
      return branch.kind === 'mlp'
        ? mlp({ x, weights, name: `${name}.mlp` })
        : attention(x, branch, { stream, name });
    },

    merge(branch, stream, output): NamedTensors {
      const x = tokensOf(stream);
      if (branch.kind === 'cross-attention') return { tokens: add(x, output) };
      const gate = modulationRow(modulationOf(stream, branch), ROWS[branch.kind].gate);
      return { tokens: add(x, mul(gate, output)) };
    },

    end(stream) {
      const modulation = contextOf<Rank.R3>(stream, 'final');
      const x = modulatedNorm({ x: tokensOf(stream), modulation, row: 0 });
      const outputs = dense({ x, weights, name: 'final_layer.linear' });
      return unpatchify({ patches: outputs, patchSize, rows, columns });
    },

    dispose: () => weights.dispose(),
  };
}

interface ModulatedNormOptions {
  /** `[B, L, D]`. */
  readonly x: Tensor;
  /** `[B, rows, D]`. */
  readonly modulation: Tensor3D;
  /** Row of the shift; the scale is the next row. */
  readonly row: number;
}

/** Adaptive layer norm: `layerNorm(x) * (1 + scale) + shift`. */
function modulatedNorm({ x, modulation, row }: ModulatedNormOptions): Tensor {
  const shift = modulationRow(modulation, row);
  const scale = modulationRow(modulation, row + 1);
  return add(mul(layerNorm(x), add(scale, 1)), shift);
}

/** One row of a modulation as `[B, 1, D]`, which broadcasts over tokens. */
function modulationRow(modulation: Tensor3D, row: number): Tensor3D {
  return slice(modulation, [0, row, 0], [-1, 1, -1]);
}

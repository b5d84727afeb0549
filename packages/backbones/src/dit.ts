import {
  assertCondition,
  type Backbone,
  type Branch,
  InvalidArgumentError,
  type NamedTensors,
  ShapeError,
  type Stream,
} from '@harmonica/core';
import {
  add,
  gather,
  mul,
  reshape,
  split,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  transpose,
} from '@tensorflow/tfjs-core';
import { scaledDotProductAttention } from './attention.js';
import { type DitConfig, ditSizes } from './dit-config.js';
import { ditSpec, LABELS } from './dit-spec.js';
import { gelu } from './gelu.js';
import { linear } from './linear.js';
import { modulatedNorm, modulationRow } from './modulated-norm.js';
import { patchify, unpatchify } from './patches.js';
import { silu } from './silu.js';
import { sinCosPosition } from './sin-cos-position.js';
import { timestepEmbedding, timestepFrequencies } from './timestep-embedding.js';
import type { Weights } from './weights.js';

const POSITIONS = 'constant.positions';
const FREQUENCIES = 'constant.frequencies';

/** Rows of a block's modulation `[B, 6, D]`: shift, scale and gate of each branch. */
const ROWS = {
  attention: { shift: 0, gate: 2 },
  mlp: { shift: 3, gate: 5 },
} as const;

export interface DitOptions {
  readonly config: DitConfig;
  /** Every tensor of `ditParameters(config)`. Owned by the backbone from here on. */
  readonly weights: Weights;
}

/**
 * The diffusion transformer with adaLN-Zero blocks (Peebles and Xie, 2022), as published:
 *
 *     x += gate1 * attention(modulate(norm(x), shift1, scale1))
 *     x += gate2 * mlp(modulate(norm(x), shift2, scale2))
 *
 * The stream's state is `tokens` `[B, L, D]`; its context is `modulation.<block>` `[B, 6, D]` and `final` `[B, 2, D]`.
 */
export function createDit({ config, weights }: DitOptions): Backbone {
  const spec = ditSpec(config);
  const { gridSize, tokens } = ditSizes(config);
  const { hiddenSize: width, depth, heads, patchSize, inputSize, inChannels } = config;
  weights.set(POSITIONS, sinCosPosition({ gridSize, width }), [tokens, width]);
  const frequencies = timestepFrequencies();
  weights.set(FREQUENCIES, frequencies, [frequencies.length]);

  const dense = (name: string, x: Tensor): Tensor => linear({ x, ...weights.affine(name) });

  /** `[B, D]`: silu of the sum of the time and label embeddings, which is what every adaLN reads. */
  const embedCondition = (time: Tensor1D, labels: Tensor): Tensor2D => {
    const waves = timestepEmbedding({ time, frequencies: weights.get(FREQUENCIES) });
    const timeEmbedding = dense('t_embedder.mlp.2', silu(dense('t_embedder.mlp.0', waves)));
    const table = weights.get('y_embedder.embedding_table.weight');
    return silu(add(timeEmbedding, gather(table, labels)));
  };

  const attention = (block: number, x: Tensor): Tensor => {
    const qkv = dense(`blocks.${block}.attn.qkv`, x);
    const perHead = transpose(reshape(qkv, [-1, tokens, 3 * heads, width / heads]), [0, 2, 1, 3]);
    const [query, key, value] = split(perHead, 3, 1) as [Tensor4D, Tensor4D, Tensor4D];
    const mixed = transpose(scaledDotProductAttention({ query, key, value }), [0, 2, 1, 3]);
    return dense(`blocks.${block}.attn.proj`, reshape(mixed, [-1, tokens, width]));
  };

  const mlp = (block: number, x: Tensor): Tensor =>
    dense(`blocks.${block}.mlp.fc2`, gelu(dense(`blocks.${block}.mlp.fc1`, x)));

  return {
    spec,

    begin(latent, time, condition) {
      assertBeginInput({ latent, time, shape: [inputSize, inputSize, inChannels] });
      assertCondition(spec, condition, latent.shape[0]);
      const patches = patchify({ image: latent, patchSize });
      const embedded = dense('x_embedder.proj', patches);
      const signal = embedCondition(time, condition[LABELS] as Tensor);
      const modulation = (name: string, rows: number): Tensor =>
        reshape(dense(`${name}.adaLN_modulation.1`, signal), [-1, rows, width]);
      const context: Record<string, Tensor> = { final: modulation('final_layer', 2) };
      for (let block = 0; block < depth; block++) {
        context[`modulation.${block}`] = modulation(`blocks.${block}`, 6);
      }
      return { state: { tokens: add(embedded, weights.get(POSITIONS)) }, context };
    },

    compute(branch, stream) {
      const x = modulatedNorm({
        x: tokensOf(stream),
        modulation: modulationOf(stream, `modulation.${branch.block}`),
        row: rowsOf(branch).shift,
      });
      return branch.kind === 'mlp' ? mlp(branch.block, x) : attention(branch.block, x);
    },

    merge(branch, stream, output): NamedTensors {
      const modulation = modulationOf(stream, `modulation.${branch.block}`);
      const gate = modulationRow(modulation, rowsOf(branch).gate);
      return { tokens: add(tokensOf(stream), mul(gate, output)) };
    },

    end(stream) {
      const modulation = modulationOf(stream, 'final');
      const x = modulatedNorm({ x: tokensOf(stream), modulation, row: 0 });
      const patches = dense('final_layer.linear', x);
      return unpatchify({ patches, patchSize, rows: gridSize, columns: gridSize });
    },

    dispose: () => weights.dispose(),
  };
}

function rowsOf({ kind }: Branch): (typeof ROWS)['attention' | 'mlp'] {
  if (kind === 'cross-attention') {
    throw new InvalidArgumentError({
      argument: 'branch.kind',
      value: kind,
      expected: 'a branch of this DiT: attention or mlp',
    });
  }
  return ROWS[kind];
}

function tokensOf({ state }: Stream): Tensor3D {
  return state.tokens as Tensor3D;
}

function modulationOf({ context }: Stream, name: string): Tensor3D {
  const found = context[name];
  if (!found) {
    throw new InvalidArgumentError({
      argument: 'stream.context',
      value: Object.keys(context).join(', '),
      expected: `an entry ${name}, as begin of this DiT makes it`,
    });
  }
  return found as Tensor3D;
}

interface BeginInput {
  readonly latent: Tensor4D;
  readonly time: Tensor1D;
  /** Height, width and channels of the latent. */
  readonly shape: readonly number[];
}

function assertBeginInput({ latent, time, shape }: BeginInput): void {
  if (latent.shape.slice(1).join() !== shape.join()) {
    throw new ShapeError({ tensor: 'latent', actual: latent.shape, expected: [null, ...shape] });
  }
  if (time.rank !== 1 || time.shape[0] !== latent.shape[0]) {
    throw new ShapeError({ tensor: 'time', actual: time.shape, expected: [latent.shape[0]] });
  }
}

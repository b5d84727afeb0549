import type { Backbone, Branch, NamedTensors, Stream } from '@harmonica/core';
import {
  add,
  gather,
  mul,
  reshape,
  type Tensor,
  type Tensor1D,
  type Tensor3D,
} from '@tensorflow/tfjs-core';
import { adaptiveFinalLayer, MODULATION_ROWS, POSITIONS, patchTokens } from './adaptive-layers.js';
import { assertBeginInput } from './begin-input.js';
import { LABELS } from './condition-names.js';
import { dense } from './dense.js';
import { type DitConfig, ditSizes } from './dit-config.js';
import { ditSpec } from './dit-spec.js';
import { mlp } from './mlp.js';
import { modulatedNorm, modulationRow } from './modulated-norm.js';
import { selfAttention } from './self-attention.js';
import { silu } from './silu.js';
import { sinCosPosition } from './sin-cos-position.js';
import { assertBranchKind, contextOf, tokensOf } from './stream-tensors.js';
import { addTimestepFrequencies, timestepMlp } from './timestep-mlp.js';
import type { Weights } from './weights.js';

export interface DitOptions {
  readonly config: DitConfig;
  /** Every tensor of `ditParameters(config)`. Owned by the backbone from here on. */
  readonly weights: Weights;
}

/**
 * The diffusion transformer with adaLN-Zero blocks (Peebles and Xie, 2022), as published:
 *
 *     x += gate1 * attention(norm(x) * (1 + scale1) + shift1)
 *     x += gate2 * mlp(norm(x) * (1 + scale2) + shift2)
 *
 * The stream's state is `tokens` `[B, L, D]`; its context is `modulation.<block>` `[B, 6, D]` and `final` `[B, 2, D]`.
 */
export function createDit({ config, weights }: DitOptions): Backbone {
  const spec = ditSpec(config);
  const { heads, patchSize } = config;
  const { gridSize } = ditSizes(config);
  addConstants(config, weights);
  return {
    spec,

    begin(latent, time, condition) {
      assertBeginInput({ spec, latent, time, condition });
      return {
        state: { tokens: patchTokens({ latent, weights, patchSize }) },
        context: modulations({ config, weights, time, labels: condition[LABELS] as Tensor }),
      };
    },

    input: modulatedInput,

    compute(branch, stream) {
      assertBranchKind(spec, branch);
      const name = `blocks.${branch.block}`;
      const x = modulatedInput(branch, stream);
      return branch.kind === 'mlp'
        ? mlp({ x, weights, name: `${name}.mlp` })
        : selfAttention({ x, weights, name: `${name}.attn`, heads });
    },

    merge(branch, stream, output): NamedTensors {
      const gate = modulationRow(modulationOf(stream, branch), rowsOf(branch).gate);
      return { tokens: add(tokensOf(stream), mul(gate, output)) };
    },

    end: (stream) =>
      adaptiveFinalLayer({ stream, weights, patchSize, rows: gridSize, columns: gridSize }),

    dispose: () => weights.dispose(),
  };
}

function addConstants(config: DitConfig, weights: Weights): void {
  const { hiddenSize: width } = config;
  const { gridSize, tokens } = ditSizes(config);
  weights.set(POSITIONS, sinCosPosition({ gridSize, width }), [tokens, width]);
  addTimestepFrequencies(weights);
}

interface ModulationsOptions extends DitOptions {
  readonly time: Tensor1D;
  /** Int32 `[B]`. */
  readonly labels: Tensor;
}

/** What every adaLN layer makes of time and label: the context of a stream. */
function modulations({ config, weights, time, labels }: ModulationsOptions): NamedTensors {
  const { depth, hiddenSize } = config;
  const timeEmbedding = timestepMlp({ time, weights, name: 't_embedder' });
  const labelEmbedding = gather(weights.get('y_embedder.embedding_table.weight'), labels);
  const signal = silu(add(timeEmbedding, labelEmbedding));
  const modulation = (layer: string, rows: number): Tensor =>
    reshape(dense({ x: signal, weights, name: `${layer}.adaLN_modulation.1` }), [
      -1,
      rows,
      hiddenSize,
    ]);
  const context: Record<string, Tensor> = { final: modulation('final_layer', 2) };
  for (let block = 0; block < depth; block++) {
    context[modulationName(block)] = modulation(`blocks.${block}`, 6);
  }
  return context;
}

function modulationName(block: number): string {
  return `modulation.${block}`;
}

function modulationOf(stream: Stream, { block }: Branch): Tensor3D {
  return contextOf(stream, modulationName(block));
}

function modulatedInput(branch: Branch, stream: Stream): Tensor {
  const modulation = modulationOf(stream, branch);
  return modulatedNorm({ x: tokensOf(stream), modulation, row: rowsOf(branch).shift });
}

function rowsOf({ kind }: Branch): (typeof MODULATION_ROWS)['attention' | 'mlp'] {
  return kind === 'mlp' ? MODULATION_ROWS.mlp : MODULATION_ROWS.attention;
}

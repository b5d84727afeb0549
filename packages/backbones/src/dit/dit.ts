import { assertOneOf, type Backbone, type BackboneSpec, type NamedTensors } from '@harmonica/core';
import { add, gather, reshape, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import { adaptiveTransformer } from '../layers/adaptive-transformer.js';
import { selfAttention } from '../layers/attention.js';
import { dense, silu } from '../layers/linear.js';
import { blockBranches, contextOf, LABELS } from '../layers/stream.js';
import { timestepMlp, timestepMlpMacs } from '../layers/timestep.js';
import {
  assertTransformerShape,
  TRANSFORMER_COUNTS,
  type TransformerConfig,
  transformerSizes,
} from '../transformer-config.js';
import { assertCounts, invalidField } from '../weights/config.js';
import type { ModelParts } from '../weights/weights.js';

/**
 * The diffusion transformer with adaLN-Zero blocks (Peebles and Xie, 2022), as published:
 *
 *     x += gate1 * attention(norm(x) * (1 + scale1) + shift1)
 *     x += gate2 * mlp(norm(x) * (1 + scale2) + shift2)
 *
 * The stream's state is `tokens` `[B, L, D]`; its context is `modulation.<block>` `[B, 6, D]` and `final` `[B, 2, D]`.
 */
export function createDit(parts: ModelParts<DitConfig>): Backbone {
  const { config, weights } = parts;
  return adaptiveTransformer({
    ...parts,
    spec: ditSpec(config),
    context: (time, condition) => modulations(parts, time, condition[LABELS] as Tensor),
    modulationOf: (stream, { block }) => contextOf(stream, modulationName(block)),
    attention: (x, _branch, { name }) =>
      selfAttention({ x, weights, name: `${name}.attn`, heads: config.heads }),
  });
}

/** What every adaLN layer makes of time and label: the context of a stream. */
function modulations(
  { config, weights }: ModelParts<DitConfig>,
  time: Tensor1D,
  labels: Tensor,
): NamedTensors {
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

/**
 * What a DiT of this configuration takes, gives and costs. Branches alternate attention and MLP, block by block.
 * `macs` counts the multiply-accumulates of matrix products, which is what the papers call Gflops.
 *
 * @throws {@link InvalidArgumentError}
 */
export function ditSpec(config: DitConfig): BackboneSpec {
  assertDitConfig(config);
  const { name, depth, hiddenSize, inputSize, inChannels, numClasses } = config;
  const { patches, outputChannels } = transformerSizes(config);
  const branches = blockBranches({ blocks: depth, kinds: ['attention', 'mlp'] });
  const macs = ditMacs(config);
  return {
    name,
    latent: { height: inputSize, width: inputSize, channels: inChannels },
    outputChannels,
    prediction: 'epsilon',
    tokens: { count: patches, width: hiddenSize },
    condition: [{ name: LABELS, dtype: 'int32', shape: [], below: numClasses + 1 }],
    nullCondition: { [LABELS]: [numClasses] },
    branches,
    macs: {
      begin: macs.begin,
      branches: branches.map(({ kind }) => (kind === 'mlp' ? macs.mlp : macs.attention)),
      end: macs.end,
    },
  };
}

/** Multiply-accumulates of one sample, for each part of a DiT. */
function ditMacs(config: DitConfig) {
  const { depth, hiddenSize: d } = config;
  const { patches: tokens, patchInputs, patchOutputs, mlpWidth } = transformerSizes(config);
  const patchEmbedding = tokens * patchInputs * d;
  const modulations = (6 * depth + 2) * d * d;
  return {
    begin: patchEmbedding + timestepMlpMacs(d) + modulations,
    attention: 4 * tokens * d * d + 2 * tokens * tokens * d,
    mlp: 2 * tokens * d * mlpWidth,
    end: tokens * d * patchOutputs,
  };
}

/** Everything that shapes a DiT (Peebles and Xie, 2022). Plain JSON. Its width is a multiple of 4. */
export interface DitConfig extends TransformerConfig {
  /** Without the null class of classifier-free guidance, which is label `numClasses`. */
  readonly numClasses: number;
  /** Whether the output has a second half of channels for the variance. */
  readonly learnSigma: boolean;
}

const FAMILIES = {
  S: { depth: 12, hiddenSize: 384, heads: 6 },
  B: { depth: 12, hiddenSize: 768, heads: 12 },
  L: { depth: 24, hiddenSize: 1024, heads: 16 },
  XL: { depth: 28, hiddenSize: 1152, heads: 16 },
} as const;
const PATCH_SIZES = [2, 4, 8] as const;

type Family = keyof typeof FAMILIES;

/** A published size and patch size. */
export type DitSize = `DiT-${'S' | 'B' | 'L' | 'XL'}/${2 | 4 | 8}`;

/** The twelve published sizes, smallest first (Peebles and Xie, 2022, Tables 1 and 4). */
export const DIT_SIZES: readonly DitSize[] = (Object.keys(FAMILIES) as Family[]).flatMap((family) =>
  [...PATCH_SIZES].reverse().map((patch): DitSize => `DiT-${family}/${patch}`),
);

/**
 * The configuration of a published size.
 *
 * @param overrides fields that differ from the published ImageNet 256 x 256 models, whose `inputSize` is 32, `inChannels`
 *   4, `numClasses` 1000, `mlpRatio` 4 and `learnSigma` true; `inputSize: 64` gives the 512 x 512 models
 * @throws {@link InvalidArgumentError}
 */
export function ditConfig(size: DitSize, overrides: Partial<DitConfig> = {}): DitConfig {
  const fix = 'For another architecture write a DitConfig out in full.';
  assertOneOf({ size }, DIT_SIZES, fix);
  const [family, patch] = size.slice('DiT-'.length).split('/') as [Family, string];
  const config: DitConfig = {
    name: size,
    ...FAMILIES[family],
    patchSize: Number(patch),
    mlpRatio: 4,
    inputSize: 32,
    inChannels: 4,
    numClasses: 1000,
    learnSigma: true,
    ...overrides,
  };
  assertDitConfig(config);
  return config;
}

/** Throws {@link InvalidArgumentError} naming the first field that no DiT can have. */
export function assertDitConfig(config: DitConfig): void {
  assertCounts(config, [...TRANSFORMER_COUNTS, 'numClasses']);
  if (config.hiddenSize % 4 !== 0) throw invalidField(config, 'hiddenSize', 'a multiple of 4');
  assertTransformerShape(config, ['inputSize']);
}

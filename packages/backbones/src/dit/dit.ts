import {
  type Backbone,
  type BackboneSpec,
  type Branch,
  InvalidArgumentError,
  type NamedTensors,
  type Stream,
} from '@harmonica/core';
import {
  add,
  gather,
  mul,
  reshape,
  type Tensor,
  type Tensor1D,
  type Tensor3D,
} from '@tensorflow/tfjs-core';
import { selfAttention } from '../layers/attention.js';
import { dense } from '../layers/linear.js';
import { mlp, silu } from '../layers/mlp.js';
import {
  adaptiveFinalLayer,
  MODULATION_ROWS,
  modulatedNorm,
  modulationRow,
  POSITIONS,
  patchTokens,
} from '../layers/norms.js';
import { sinCosPosition } from '../layers/patches.js';
import {
  assertBeginInput,
  assertBranchKind,
  blockBranches,
  contextOf,
  LABELS,
  tokensOf,
} from '../layers/stream.js';
import { addTimestepFrequencies, timestepMlp, timestepMlpMacs } from '../layers/timestep.js';
import { assertCounts, assertTransformerShape, invalidField } from '../weights/config.js';
import type { Weights } from '../weights/weights.js';

interface DitOptions {
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

/**
 * What a DiT of this configuration takes, gives and costs. Branches alternate attention and MLP, block by block.
 * `macs` counts the multiply-accumulates of matrix products, which is what the papers call Gflops.
 *
 * @throws {@link InvalidArgumentError}
 */
export function ditSpec(config: DitConfig): BackboneSpec {
  assertDitConfig(config);
  const { name, depth, hiddenSize, inputSize, inChannels, numClasses } = config;
  const { tokens, outputChannels } = ditSizes(config);
  const branches = blockBranches({ blocks: depth, kinds: ['attention', 'mlp'] });
  const macs = ditMacs(config);
  return {
    name,
    latent: { height: inputSize, width: inputSize, channels: inChannels },
    outputChannels,
    prediction: 'epsilon',
    tokens: { count: tokens, width: hiddenSize },
    condition: [{ name: LABELS, dtype: 'int32', shape: [] }],
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
  const { tokens, patchInputs, patchOutputs, mlpWidth } = ditSizes(config);
  const patchEmbedding = tokens * patchInputs * d;
  const modulations = (6 * depth + 2) * d * d;
  return {
    begin: patchEmbedding + timestepMlpMacs(d) + modulations,
    attention: 4 * tokens * d * d + 2 * tokens * tokens * d,
    mlp: 2 * tokens * d * mlpWidth,
    end: tokens * d * patchOutputs,
  };
}

/** Everything that shapes a DiT (Peebles and Xie, 2022). Plain JSON. */
export interface DitConfig {
  /** For people and provenance, such as `DiT-XL/2`. */
  readonly name: string;
  /** Blocks; each has an attention and an MLP branch. */
  readonly depth: number;
  /** Width D of a token, a multiple of 4 and of `heads`. */
  readonly hiddenSize: number;
  readonly heads: number;
  /** Latent pixels along a side of a token's patch. */
  readonly patchSize: number;
  /** Width of the MLP's hidden layer divided by `hiddenSize`. */
  readonly mlpRatio: number;
  /** Height and width of the square latent, a multiple of `patchSize`. */
  readonly inputSize: number;
  readonly inChannels: number;
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
  if (!DIT_SIZES.includes(size)) {
    throw new InvalidArgumentError({
      argument: 'size',
      value: size,
      expected: `one of ${DIT_SIZES.join(', ')}`,
      fix: 'For another architecture write a DitConfig out in full.',
    });
  }
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

/** Sizes that follow from a configuration. */
interface DitSizes {
  /** Tokens along a side of the grid. */
  readonly gridSize: number;
  /** Tokens L. */
  readonly tokens: number;
  /** Values of one input patch. */
  readonly patchInputs: number;
  /** Values of one output patch. */
  readonly patchOutputs: number;
  readonly outputChannels: number;
  /** Width of the MLP's hidden layer. */
  readonly mlpWidth: number;
}

/** Derives sizes from a valid configuration. */
export function ditSizes(config: DitConfig): DitSizes {
  const { inputSize, patchSize, inChannels, learnSigma, hiddenSize, mlpRatio } = config;
  const gridSize = inputSize / patchSize;
  const outputChannels = learnSigma ? 2 * inChannels : inChannels;
  return {
    gridSize,
    tokens: gridSize ** 2,
    patchInputs: patchSize ** 2 * inChannels,
    patchOutputs: patchSize ** 2 * outputChannels,
    outputChannels,
    mlpWidth: Math.trunc(hiddenSize * mlpRatio),
  };
}

/** Throws {@link InvalidArgumentError} naming the first field that no DiT can have. */
export function assertDitConfig(config: DitConfig): void {
  const counts = [
    'depth',
    'hiddenSize',
    'heads',
    'patchSize',
    'inputSize',
    'inChannels',
    'numClasses',
  ] as const;
  assertCounts(config, counts);
  if (config.hiddenSize % 4 !== 0) throw invalidField(config, 'hiddenSize', 'a multiple of 4');
  assertTransformerShape(config, ['inputSize']);
}

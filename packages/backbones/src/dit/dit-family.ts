import {
  type Backbone,
  CheckpointError,
  DEFAULT_GUIDED_CHANNELS,
  type WeightSource,
} from '@harmonica/core';
import { type BackboneFamily, type PublishedModel, slugOf } from '../family.js';
import { DIFFUSERS_LAYERS } from '../layers/adaptive-transformer.js';
import { sinCosPosition } from '../layers/patches.js';
import { timestepMlpParameters } from '../layers/timestep.js';
import {
  TRANSFORMER_FIXED,
  TRANSFORMER_IGNORED,
  TRANSFORMER_SETTINGS,
  transformerFields,
  transformerSizes,
} from '../transformer-config.js';
import { type ComponentJson, count, readComponent } from '../weights/config.js';
import {
  type Blueprint,
  type LoadModelOptions,
  loadModel,
  type RandomModelOptions,
  randomModel,
  readFinite,
  unwrapped,
} from '../weights/load-model.js';
import {
  inLayout,
  type Layout,
  type LayoutRule,
  linearParameters,
  type Parameter,
  patchParameters,
  type StoredTensor,
  tableParameter,
} from '../weights/parameter.js';
import {
  assertDitConfig,
  createDit,
  DIT_SIZES,
  type DitConfig,
  ditConfig,
  ditSpec,
} from './dit.js';

/** The diffusion transformers of Peebles and Xie (2022). */
export const DIT = {
  models: DIT_SIZES,
  published: DIT_SIZES.flatMap((size) =>
    publishedSizes(size, (overrides) => ditConfig(size, overrides)),
  ),
  custom: (fields) => ditConfig('DiT-XL/2', fields),
  diffusers: {
    recognises: ({ config }) =>
      config._class_name === 'DiTTransformer2DModel' || config.norm_type === 'ada_norm_zero',
    configOf: ({ config }) => ditConfigOf(config),
  },
  spec: ditSpec,
  process: () => ({ kind: 'diffusion', sampler: 'ddim', schedule: 'linear' }),
  // The scale of the best figures of the papers of DiT and SiT.
  guidance: () => ({ scale: 1.5, channels: DEFAULT_GUIDED_CHANNELS }),
  classes: ({ numClasses }) => numClasses,
  resized: (config, { height, channels }) => ({
    ...config,
    inputSize: height,
    inChannels: channels,
  }),
  unwrapped: (config, source) => unwrapped(BLUEPRINT, config, source),
  fittedTo: fittedDit,
  load: loadDit,
  random: randomDit,
} as const satisfies BackboneFamily<DitConfig>;

/** A size for images of 256, with and without saying so, and of 512. */
export function publishedSizes(
  size: string,
  configOf: (overrides?: Partial<DitConfig>) => DitConfig,
  at512: Partial<DitConfig> = { inputSize: 64 },
): PublishedModel<DitConfig>[] {
  const name = slugOf(size);
  return [
    { name, config: () => configOf() },
    { name: `${name}-256`, config: () => configOf() },
    { name: `${name}-512`, config: () => configOf(at512) },
  ];
}

/** What the shapes tell; where a tensor is missing `config` stands, and loading will name the tensor. */
function fittedDit(config: DitConfig, source: WeightSource): DitConfig {
  const shapeOf = (name: string): readonly number[] | undefined =>
    source.names.includes(name) ? source.info(name).shape : undefined;
  const { patchSize } = config;
  const [rows] = shapeOf('y_embedder.embedding_table.weight') ?? [];
  const [, tokens] = shapeOf('pos_embed') ?? [];
  const [, inChannels = config.inChannels] = shapeOf('x_embedder.proj.weight') ?? [];
  const [outputs] = shapeOf('final_layer.linear.weight') ?? [];
  return {
    ...config,
    inChannels,
    ...(rows !== undefined && { numClasses: rows - 1 }),
    ...(tokens !== undefined && { inputSize: Math.sqrt(tokens) * patchSize }),
    ...(outputs !== undefined && { learnSigma: outputs === 2 * inChannels * patchSize ** 2 }),
  };
}

/**
 * Loads a DiT from a checkpoint with the official parameter names or with those of diffusers
 * (`DiTTransformer2DModel`), one tensor at a time. The fixed position table `pos_embed` may be in the file or not; it is
 * computed either way, and a stored one must agree.
 *
 * @returns a backbone whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError} if no DiT has this configuration
 * @throws {@link CheckpointError} naming each tensor that is missing, unknown or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export function loadDit(options: LoadModelOptions<DitConfig>): Promise<Backbone> {
  return loadModel(BLUEPRINT, options);
}

/** Every trained tensor of a DiT under its official name, in the order in which they are used. */
export function ditParameters(config: DitConfig): Parameter[] {
  const { depth, hiddenSize: width, numClasses } = config;
  const { patchOutputs } = transformerSizes(config);
  return [
    ...patchParameters('x_embedder.proj', config),
    ...timestepMlpParameters('t_embedder', width),
    tableParameter('y_embedder.embedding_table', numClasses + 1, width),
    ...Array.from({ length: depth }, (_, block) => blockParameters(config, block)).flat(),
    ...linearParameters('final_layer.adaLN_modulation.1', width, 2 * width),
    ...linearParameters('final_layer.linear', width, patchOutputs),
  ];
}

function blockParameters(config: DitConfig, block: number): Parameter[] {
  const { hiddenSize: width } = config;
  const { mlpWidth } = transformerSizes(config);
  const name = `blocks.${block}`;
  return [
    ...linearParameters(`${name}.adaLN_modulation.1`, width, 6 * width),
    ...linearParameters(`${name}.attn.qkv`, width, 3 * width),
    ...linearParameters(`${name}.attn.proj`, width, width),
    ...linearParameters(`${name}.mlp.fc1`, width, mlpWidth),
    ...linearParameters(`${name}.mlp.fc2`, mlpWidth, width),
  ];
}

/** The fixed position table, which files may hold or not. */
const STORED_POSITIONS = 'pos_embed';

/** Where diffusers keeps the embeddings of time and label: once in every block, always the same. */
const EMBEDDINGS = 'transformer_blocks.0.norm1.emb.';

/** diffusers' names (`DiTTransformer2DModel`). */
const DIFFUSERS: readonly LayoutRule[] = [
  ...DIFFUSERS_LAYERS,
  ['t_embedder.mlp.0', `${EMBEDDINGS}timestep_embedder.linear_1`],
  ['t_embedder.mlp.2', `${EMBEDDINGS}timestep_embedder.linear_2`],
  ['y_embedder.embedding_table', `${EMBEDDINGS}class_embedder.embedding_table`],
  ['blocks.*.adaLN_modulation.1', 'transformer_blocks.*.norm1.linear'],
  ['final_layer.adaLN_modulation.1', 'proj_out_1'],
  ['final_layer.linear', 'proj_out_2'],
];

interface DitLayoutsOptions {
  readonly config: Pick<DitConfig, 'depth'>;
  /** Under their official names. */
  readonly parameters: readonly Parameter[];
}

/** The official layout of a DiT's or SiT's parameters, and that of diffusers. */
export function ditLayouts({ config, parameters }: DitLayoutsOptions): [Layout, Layout] {
  const diffusers = inLayout({ parameters, rules: DIFFUSERS }).map((parameter) => ({
    ...parameter,
    stored: parameter.stored.map((tensor) => repeated(tensor, config.depth)),
  }));
  return [
    { parameters, extras: [STORED_POSITIONS] },
    { parameters: diffusers, extras: ['pos_embed.pos_embed'] },
  ];
}

/** An embedding with the names of its copies in the other blocks. */
function repeated(tensor: StoredTensor, depth: number): StoredTensor {
  const [name = ''] = tensor.names;
  if (!name.startsWith(EMBEDDINGS)) return tensor;
  const copies = Array.from({ length: depth - 1 }, (_, i) => name.replace('.0.', `.${i + 1}.`));
  return { ...tensor, copies };
}

/** Half a unit in the last place of a bfloat16 just below 1, the coarsest rounding a stored table may have. */
const POSITION_TOLERANCE = 2 ** -9;

/**
 * Checks a stored position table, if there is one, against the fixed sine-cosine table.
 *
 * @throws {@link CheckpointError} if it differs
 */
export async function assertStoredPositions(
  config: DitConfig,
  source: WeightSource,
): Promise<void> {
  if (!source.names.includes(STORED_POSITIONS)) return;
  const { rows: gridSize, patches } = transformerSizes(config);
  const { hiddenSize: width, inputSize, patchSize } = config;
  const { shape } = source.info(STORED_POSITIONS);
  const fail = (problem: string) =>
    new CheckpointError({
      path: source.path,
      key: STORED_POSITIONS,
      problem,
      fix: `A model for ${inputSize} x ${inputSize} latents with patch size ${patchSize} uses the fixed table of a ${gridSize} x ${gridSize} grid; check the configuration.`,
    });
  if (shape.join() !== [1, patches, width].join()) {
    throw fail(`has shape [${shape.join(', ')}] where [1, ${patches}, ${width}] is expected`);
  }
  const stored = await readFinite(source, STORED_POSITIONS);
  const expected = sinCosPosition({ gridSize, width });
  const error = expected.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (stored[i] ?? Infinity))),
    0,
  );
  if (error > POSITION_TOLERANCE)
    throw fail(`differs from the fixed table by ${error.toPrecision(2)}`);
}

/**
 * A DiT whose weights are all random, the zero-initialised ones included, so that every branch has an effect. For tests
 * and benchmarks; the same seed gives the same weights.
 *
 * @returns a backbone on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError}
 */
export function randomDit(options: RandomModelOptions<DitConfig>): Backbone {
  return randomModel(BLUEPRINT, options);
}

const BLUEPRINT: Blueprint<DitConfig, Backbone> = {
  assertConfig: assertDitConfig,
  owner: ({ name }) => name,
  layouts: (config) => ditLayouts({ config, parameters: ditParameters(config) }),
  create: createDit,
  assertStored: assertStoredPositions,
};

const RULES = {
  component: 'DiTTransformer2DModel',
  settings: { ...TRANSFORMER_SETTINGS, num_embeds_ada_norm: count() },
  fixed: {
    ...TRANSFORMER_FIXED,
    norm_type: ['ada_norm_zero'],
    // The library's own default of the first is not what the models were trained with, which is computed here.
    norm_eps: [1e-5, 1e-6],
    interpolation_scale: [null, 1],
  },
  ignored: TRANSFORMER_IGNORED,
};

/**
 * The configuration of a DiT from `config.json` of `DiTTransformer2DModel`, or of the `Transformer2DModel` that the
 * published models were stored as. A published size goes by its name, any other by `DiT`.
 *
 * @param overrides fields that differ
 * @throws {@link ConfigError} naming each setting that is missing, malformed or of another architecture
 * @throws {@link InvalidArgumentError} if no DiT has these sizes
 */
export function ditConfigOf(json: ComponentJson, overrides: Partial<DitConfig> = {}): DitConfig {
  const settings = readComponent(json, RULES);
  const fields = {
    ...transformerFields(json, settings),
    inputSize: settings.sample_size,
    numClasses: settings.num_embeds_ada_norm,
  };
  const hasSizes = (published: DitConfig) =>
    (['depth', 'hiddenSize', 'heads', 'patchSize'] as const).every(
      (name) => published[name] === fields[name],
    );
  const name = DIT_SIZES.find((size) => hasSizes(ditConfig(size))) ?? 'DiT';
  return ditConfig('DiT-XL/2', { ...fields, name, ...overrides });
}

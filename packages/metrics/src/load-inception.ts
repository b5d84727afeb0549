import {
  CheckpointError,
  fingerprint,
  NonFiniteError,
  throwIfAborted,
  type WeightSource,
} from '@harmonica/core';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { FeatureExtractor } from './feature-extractor.js';
import { type FoldedConvolution, foldBatchNorm } from './fold-batch-norm.js';
import { convolutionsOf, inceptionLayers, type PlacedConvolution } from './inception-layers.js';
import { createInception, INCEPTION_FEATURES, INCEPTION_SIZE } from './inception-network.js';

/** How far loading has come. */
export interface LoadInceptionProgress {
  /** Tensors read so far, `name` the last of them. */
  readonly loaded: number;
  readonly total: number;
  readonly name: string;
}

/** What {@link loadInception} needs. */
export interface LoadInceptionOptions {
  /** Not closed. */
  readonly source: WeightSource;
  /** Stands beside every result. Default `Inception 2015-12-05 (TensorFlow)`. */
  readonly name?: string;
  readonly onProgress?: (progress: LoadInceptionProgress) => void;
  readonly signal?: AbortSignal;
}

/** A tensor of the checkpoint. */
export interface InceptionParameter {
  readonly name: string;
  readonly shape: readonly number[];
}

const CLASSES = 1008;
const LAYERS = inceptionLayers({ lastPool: 'max-pool' });
const CONVOLUTIONS = convolutionsOf(LAYERS, 3);
const CLASSIFIER = 'fc.weight';
const EPSILON = 1e-3;

/** `(p - 128) / 128`, after resizing. */
const PIXELS = { shift: 128, scale: 128 };

/** What of the network is not in its weights. */
const PREPROCESSING = { size: INCEPTION_SIZE, resize: 'bilinear, TensorFlow 1', ...PIXELS };

const MOST_LISTED = 20;

/** Every tensor of the checkpoint that is read, in order. */
export function inceptionParameters(): readonly InceptionParameter[] {
  return [
    ...CONVOLUTIONS.flatMap(parametersOf),
    { name: CLASSIFIER, shape: [CLASSES, INCEPTION_FEATURES] },
  ];
}

/**
 * Loads the Inception network that the literature's FID is defined by: TensorFlow's of 2015-12-05, ported to PyTorch as
 * `pt_inception-2015-12-05-6726825d.pth`, with the names that pytorch-fid and torch-fidelity give it. Images are resized
 * and scaled as torch-fidelity does. `logits` are without bias, as the inception score takes them.
 *
 * @returns an extractor whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link CheckpointError} naming each tensor that is missing or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export async function loadInception(options: LoadInceptionOptions): Promise<FeatureExtractor> {
  const { source, name = 'Inception 2015-12-05 (TensorFlow)', onProgress, signal } = options;
  const parameters = inceptionParameters();
  assertParameters(source, parameters);
  const hash = sha256.create().update(utf8ToBytes(fingerprint({ PREPROCESSING, LAYERS })));
  let loaded = 0;
  const read = async (parameter: string): Promise<Float32Array> => {
    throwIfAborted(signal, `Loading ${name}`);
    const values = await readFinite(source, parameter);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    loaded += 1;
    onProgress?.({ loaded, total: parameters.length, name: parameter });
    return values;
  };
  const convolutions = new Map<string, FoldedConvolution>();
  for (const layer of CONVOLUTIONS)
    convolutions.set(layer.name, await readConvolution(layer, read));
  const weight = transposed(await read(CLASSIFIER), CLASSES);
  return createInception({
    identity: { name, hash: bytesToHex(hash.digest()) },
    layers: LAYERS,
    convolutions,
    classifier: { classes: CLASSES, weight },
    pixels: PIXELS,
  });
}

function parametersOf({ name, inputs, outputs, kernel }: PlacedConvolution): InceptionParameter[] {
  const norm = ['weight', 'bias', 'running_mean', 'running_var'];
  return [
    { name: `${name}.conv.weight`, shape: [outputs, inputs, ...kernel] },
    ...norm.map((part) => ({ name: `${name}.bn.${part}`, shape: [outputs] })),
  ];
}

async function readConvolution(
  { name, inputs, outputs, kernel }: PlacedConvolution,
  read: (name: string) => Promise<Float32Array>,
): Promise<FoldedConvolution> {
  return foldBatchNorm({
    shape: [...kernel, inputs, outputs],
    filter: channelsLast(await read(`${name}.conv.weight`), { inputs, outputs }),
    gamma: await read(`${name}.bn.weight`),
    beta: await read(`${name}.bn.bias`),
    mean: await read(`${name}.bn.running_mean`),
    variance: await read(`${name}.bn.running_var`),
    epsilon: EPSILON,
  });
}

/** `[out, in, height, width]` to `[height, width, in, out]`. */
function channelsLast(
  values: Float32Array,
  { inputs, outputs }: Pick<PlacedConvolution, 'inputs' | 'outputs'>,
): Float32Array {
  const size = values.length / outputs;
  const pixels = size / inputs;
  const result = new Float32Array(values.length);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      const from = output * size + input * pixels;
      for (let pixel = 0; pixel < pixels; pixel++) {
        result[(pixel * inputs + input) * outputs + output] = values[from + pixel] as number;
      }
    }
  }
  return result;
}

/** `[rows, columns]` to `[columns, rows]`. */
function transposed(values: Float32Array, rows: number): Float32Array {
  return channelsLast(values, { inputs: values.length / rows, outputs: rows });
}

async function readFinite(source: WeightSource, name: string): Promise<Float32Array> {
  const values = await source.read(name);
  if (values.every(Number.isFinite)) return values;
  throw new NonFiniteError({
    site: `${name} of ${source.path}`,
    fix: 'The file is damaged; get it again.',
  });
}

function assertParameters(source: WeightSource, parameters: readonly InceptionParameter[]): void {
  const names = new Set(source.names);
  const faults = parameters.flatMap(({ name, shape }) => {
    if (!names.has(name)) return [{ name, fault: 'is missing' }];
    const actual = source.info(name).shape.join(', ');
    if (actual === shape.join(', ')) return [];
    return [{ name, fault: `has shape [${actual}] where [${shape.join(', ')}] is expected` }];
  });
  const [first] = faults;
  if (!first) return;
  const listed = faults.slice(0, MOST_LISTED).map(({ name, fault }) => `${name} ${fault}`);
  const rest = faults.length - listed.length;
  throw new CheckpointError({
    path: source.path,
    key: first.name,
    problem: `${listed.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`,
    fix: 'Get pt_inception-2015-12-05-6726825d.pth, the checkpoint of pytorch-fid and torch-fidelity.',
  });
}

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
import type { Layer, PlacedConvolution } from './inception-layers.js';
import {
  createInception,
  type DenseLayer,
  INCEPTION_SIZE,
  type PixelScaling,
} from './inception-network.js';

/** How far loading has come. */
export interface LoadInceptionProgress {
  /** Tensors read so far, `name` the last of them. */
  readonly loaded: number;
  readonly total: number;
  readonly name: string;
}

/** A convolution and the names of what it is stored in. */
interface StoredConvolution {
  readonly layer: PlacedConvolution;
  readonly filter: string;
  /** Absent: the normalization has no scale. */
  readonly gamma?: string;
  readonly beta: string;
  readonly mean: string;
  readonly variance: string;
}

/** A dense layer and the names of what it is stored in. */
interface StoredDense {
  readonly inputs: number;
  readonly outputs: number;
  readonly weight: string;
  readonly bias?: string;
}

/** How a checkpoint stores an Inception v3, and what it was trained for. */
export interface InceptionFormat {
  readonly layers: readonly Layer[];
  /** One for each convolution of `layers`. */
  readonly convolutions: readonly StoredConvolution[];
  /** The dense layers after the features, the first of 2048 inputs. */
  readonly classifier: readonly [StoredDense, ...StoredDense[]];
  /**
   * Filters are `[out, in, height, width]` and matrices `[out, in]`, as in PyTorch, or `[height, width, in, out]` and
   * `[in, out]`, as in TensorFlow.
   */
  readonly order: 'outputs first' | 'outputs last';
  readonly pixels: PixelScaling;
  /** Tensors that it may hold and that are not read. */
  readonly ignored: RegExp;
  /** What to do about a checkpoint that does not fit. */
  readonly fix: string;
}

/** A tensor of a checkpoint. */
export interface InceptionParameter {
  readonly name: string;
  readonly shape: readonly number[];
}

/** What {@link readInception} needs. */
interface ReadInceptionOptions {
  readonly source: WeightSource;
  readonly format: InceptionFormat;
  /** Stands beside every result. */
  readonly name: string;
  readonly onProgress?: ((progress: LoadInceptionProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const EPSILON = 1e-3;

const MOST_LISTED = 20;

/**
 * Reads every tensor, one at a time, after checking all names and shapes.
 *
 * @throws {@link CheckpointError} naming each tensor that is missing, unknown or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export async function readInception(options: ReadInceptionOptions): Promise<FeatureExtractor> {
  const { source, format, name, onProgress, signal } = options;
  const { layers, pixels, classifier } = format;
  const parameters = parametersOf(format);
  assertParameters(source, format);
  const hash = sha256.create().update(utf8ToBytes(fingerprint(behaviourOf(format))));
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
  for (const stored of format.convolutions) {
    convolutions.set(stored.layer.name, await readConvolution(stored, format, read));
  }
  const [first, ...others] = classifier;
  const dense: [DenseLayer, ...DenseLayer[]] = [await readDense(first, format, read)];
  for (const stored of others) dense.push(await readDense(stored, format, read));
  return createInception({
    layers,
    convolutions,
    classifier: dense,
    pixels,
    identity: { name, hash: bytesToHex(hash.digest()) },
  });
}

/** Every tensor that is read, in order. */
export function parametersOf(format: InceptionFormat): readonly InceptionParameter[] {
  const { convolutions, classifier } = format;
  const isFirst = format.order === 'outputs first';
  return [
    ...convolutions.flatMap(({ layer, filter, gamma, beta, mean, variance }) => {
      const { inputs, outputs, kernel } = layer;
      const vectors = [...(gamma ? [gamma] : []), beta, mean, variance];
      return [
        {
          name: filter,
          shape: isFirst ? [outputs, inputs, ...kernel] : [...kernel, inputs, outputs],
        },
        ...vectors.map((name) => ({ name, shape: [outputs] })),
      ];
    }),
    ...classifier.flatMap(({ inputs, outputs, weight, bias }) => [
      { name: weight, shape: isFirst ? [outputs, inputs] : [inputs, outputs] },
      ...(bias ? [{ name: bias, shape: [outputs] }] : []),
    ]),
  ];
}

/** What of the network is not in its weights. */
function behaviourOf({ layers, pixels }: InceptionFormat) {
  return { layers, pixels, size: INCEPTION_SIZE, resize: 'bilinear, TensorFlow 1' };
}

async function readConvolution(
  { layer, filter, gamma, beta, mean, variance }: StoredConvolution,
  { order }: InceptionFormat,
  read: (name: string) => Promise<Float32Array>,
): Promise<FoldedConvolution> {
  const { kernel, inputs, outputs } = layer;
  return foldBatchNorm({
    shape: [...kernel, inputs, outputs],
    filter: filterOf(await read(filter), { order, inputs, outputs }),
    ...(gamma && { gamma: await read(gamma) }),
    beta: await read(beta),
    mean: await read(mean),
    variance: await read(variance),
    epsilon: EPSILON,
  });
}

async function readDense(
  { inputs, outputs, weight, bias }: StoredDense,
  { order }: InceptionFormat,
  read: (name: string) => Promise<Float32Array>,
): Promise<DenseLayer> {
  return {
    inputs,
    outputs,
    weight: filterOf(await read(weight), { order, inputs, outputs }),
    ...(bias && { bias: await read(bias) }),
  };
}

interface FilterOptions extends Pick<InceptionFormat, 'order'> {
  readonly inputs: number;
  readonly outputs: number;
}

/** A filter or matrix with outputs last. */
function filterOf(values: Float32Array, { order, inputs, outputs }: FilterOptions): Float32Array {
  if (order === 'outputs last') return values;
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

async function readFinite(source: WeightSource, name: string): Promise<Float32Array> {
  const values = await source.read(name);
  if (values.every(Number.isFinite)) return values;
  throw new NonFiniteError({
    site: `${name} of ${source.path}`,
    fix: 'The file is damaged; get it again.',
  });
}

function assertParameters(source: WeightSource, format: InceptionFormat): void {
  const parameters = parametersOf(format);
  const unknown = new Set(source.names.filter((name) => !format.ignored.test(name)));
  const faults = parameters.flatMap(({ name, shape }) => {
    if (!unknown.delete(name)) return [{ name, fault: 'is missing' }];
    const actual = source.info(name).shape.join(', ');
    if (actual === shape.join(', ')) return [];
    return [{ name, fault: `has shape [${actual}] where [${shape.join(', ')}] is expected` }];
  });
  for (const name of unknown) faults.push({ name, fault: 'is not a parameter of the network' });
  const [first] = faults;
  if (!first) return;
  const listed = faults.slice(0, MOST_LISTED).map(({ name, fault }) => `${name} ${fault}`);
  const rest = faults.length - listed.length;
  throw new CheckpointError({
    path: source.path,
    key: first.name,
    problem: `${listed.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`,
    fix: format.fix,
  });
}

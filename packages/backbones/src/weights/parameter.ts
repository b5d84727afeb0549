import { InvalidArgumentError } from '@harmonica/core';
import type { TransformerConfig } from '../transformer-config.js';

/** One tensor of a checkpoint. */
export interface StoredTensor {
  /** The usual name first, then those of older files. */
  readonly names: readonly string[];
  /** Accepted shapes, the usual one first. All hold the same values in the same order. */
  readonly shapes: readonly (readonly number[])[];
  /** Names under which a file may repeat it; what it repeats must be equal. */
  readonly copies: readonly string[];
}

/** One tensor of a model: how files store it, and how the ops of this package want it. */
export interface Parameter {
  readonly name: string;
  /** What holds it in a file, joined along the first axis; most parameters are one tensor. */
  readonly stored: readonly StoredTensor[];
  /** Of every `period` rows of what is stored only the first `kept` are loaded. Default: all. */
  readonly rows?: { readonly period: number; readonly kept: number };
  /** Permutation from the stored shape to the memory order of `shape`. */
  readonly order: readonly number[];
  /** Shape of the tensor after loading. */
  readonly shape: readonly number[];
  /** Mean and standard deviation of random values, such that activations keep their size through a random network. */
  readonly random: { readonly mean: number; readonly std: number };
}

const BIAS = { mean: 0, std: 0.1 };
const SCALE = { mean: 1, std: 0.1 };

interface LinearParametersOptions {
  /** Default true. */
  readonly bias?: boolean;
}

/** `name.weight`, stored `[out, in]` and loaded `[in, out]`, and `name.bias` `[out]`. */
export function linearParameters(
  name: string,
  inputs: number,
  outputs: number,
  { bias = true }: LinearParametersOptions = {},
): Parameter[] {
  const weight: Parameter = {
    name: `${name}.weight`,
    stored: [storedAs(`${name}.weight`, [outputs, inputs])],
    order: [1, 0],
    shape: [inputs, outputs],
    random: { mean: 0, std: inputs ** -0.5 },
  };
  return bias ? [weight, vector(`${name}.bias`, outputs)] : [weight];
}

interface ConvParametersOptions {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  /** Height and width of the square kernel. */
  readonly kernel: number;
}

/** `name.weight`, stored `[out, in, k, k]` and loaded `[k, k, in, out]`, and `name.bias` `[out]`. */
export function convParameters(options: ConvParametersOptions): Parameter[] {
  const { name, inputs, outputs, kernel } = options;
  return [
    {
      name: `${name}.weight`,
      stored: [storedAs(`${name}.weight`, [outputs, inputs, kernel, kernel])],
      order: [2, 3, 1, 0],
      shape: [kernel, kernel, inputs, outputs],
      random: { mean: 0, std: (inputs * kernel ** 2) ** -0.5 },
    },
    vector(`${name}.bias`, outputs),
  ];
}

/** A convolution over the disjoint patches of a model's input, loaded as the matrix `[k * k * in, out]`. */
export function patchParameters(name: string, config: TransformerConfig): Parameter[] {
  const { inChannels: inputs, hiddenSize: outputs, patchSize: kernel } = config;
  const rows = kernel ** 2 * inputs;
  return convParameters({ name, inputs, outputs, kernel }).map((parameter) =>
    parameter.shape.length === 4 ? { ...parameter, shape: [rows, outputs] } : parameter,
  );
}

/**
 * A convolution of each channel alone over disjoint patches: `name.weight`, stored `[C, 1, k, k]` and loaded
 * `[1, k, 1, k * C]`, and `name.bias` `[C]`.
 */
export function depthwiseParameters(name: string, channels: number, kernel: number): Parameter[] {
  return [
    {
      name: `${name}.weight`,
      stored: [storedAs(`${name}.weight`, [channels, 1, kernel, kernel])],
      order: [1, 2, 3, 0],
      shape: [1, kernel, 1, kernel * channels],
      random: { mean: 0, std: 1 / kernel },
    },
    vector(`${name}.bias`, channels),
  ];
}

/** `name.weight` and `name.bias`, stored `[C]` and loaded `[groups, C / groups]`. */
export function groupNormParameters(name: string, channels: number, groups: number): Parameter[] {
  const shape = [groups, channels / groups];
  return layerNormParameters(name, channels).map((parameter) => ({ ...parameter, shape }));
}

/** `name.weight` and `name.bias`, `[D]`. */
export function layerNormParameters(name: string, width: number): Parameter[] {
  return [{ ...vector(`${name}.weight`, width), random: SCALE }, vector(`${name}.bias`, width)];
}

/** A tensor `name` that is loaded as it is stored. `std` is that of its random values. */
export function plainParameter(name: string, shape: readonly number[], std: number): Parameter {
  return {
    name,
    stored: [storedAs(name, shape)],
    order: shape.map((_, axis) => axis),
    shape,
    random: { mean: 0, std },
  };
}

/** `name.weight` `[rows, width]`, one embedding per row. */
export function tableParameter(name: string, rows: number, width: number): Parameter {
  return plainParameter(`${name}.weight`, [rows, width], 1);
}

/** A parameter's values as this package lays them out, from those of its stored tensors, joined. */
export function arrange(parameter: Parameter, values: Float32Array): Float32Array {
  const { order, rows } = parameter;
  const [count, ...row] = joinedShape(parameter);
  const kept = rows
    ? firstOfEvery(
        values,
        row.reduce((a, b) => a * b, 1),
        rows,
      )
    : values;
  if (order.every((axis, i) => axis === i)) return kept;
  const shape = [rows ? (count * rows.kept) / rows.period : count, ...row];
  return permute({ values: kept, shape, order });
}

/** The usual shape of what is stored, joined. */
function joinedShape({ stored }: Parameter): [number, ...number[]] {
  const shapes = stored.map(({ shapes: [usual = []] }) => usual);
  const [, ...row] = shapes[0] ?? [];
  return [shapes.reduce((sum, [count = 0]) => sum + count, 0), ...row];
}

function firstOfEvery(
  values: Float32Array,
  width: number,
  { period, kept }: { readonly period: number; readonly kept: number },
): Float32Array {
  return values.filter((_, i) => Math.floor(i / width) % period < kept);
}

function vector(name: string, size: number): Parameter {
  return { ...plainParameter(name, [size], BIAS.std), random: BIAS };
}

function storedAs(name: string, shape: readonly number[]): StoredTensor {
  return { names: [name], shapes: [shape], copies: [] };
}

interface PermuteOptions {
  /** Row-major. */
  readonly values: Float32Array;
  readonly shape: readonly number[];
  /** `order[i]` is the input axis that becomes output axis i. */
  readonly order: readonly number[];
}

/** Transposes an array in plain JavaScript, at load time, so that no engine has to. Returns a new array. */
export function permute({ values, shape, order }: PermuteOptions): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const sizes = order.map((axis) => shape[axis] as number);
  const steps = order.map((axis) => strides[axis] as number);
  const result = new Float32Array(values.length);
  let next = 0;
  const walk = (axis: number, offset: number): void => {
    const size = sizes[axis] as number;
    const step = steps[axis] as number;
    if (axis === sizes.length - 1) {
      for (let i = 0; i < size; i++) result[next++] = values[offset + i * step] as number;
      return;
    }
    for (let i = 0; i < size; i++) walk(axis + 1, offset + i * step);
  };
  walk(0, 0);
  return result;
}

/**
 * How a file names the tensors of a model: the model's name of a layer, and what the file calls it. `*` stands for a
 * block's number. With several names the layer is stored in parts of equal size.
 */
export type LayoutRule = readonly [own: string, stored: string, ...parts: string[]];

/** Every tensor of a model as one kind of file stores it. */
export interface Layout {
  readonly parameters: readonly Parameter[];
  /** Names that may stand in the file without being parameters. */
  readonly extras?: readonly string[];
}

interface InLayoutOptions {
  readonly parameters: readonly Parameter[];
  readonly rules: readonly LayoutRule[];
}

/**
 * The same parameters, stored under the names that the rules give.
 *
 * @throws {@link InvalidArgumentError} naming a parameter that no rule covers
 */
export function inLayout({ parameters, rules }: InLayoutOptions): Parameter[] {
  return parameters.map((parameter) => ({
    ...parameter,
    stored: parameter.stored.flatMap((tensor) => renamed(parameter.name, tensor, rules)),
  }));
}

function renamed(name: string, tensor: StoredTensor, rules: readonly LayoutRule[]): StoredTensor[] {
  for (const [own, ...parts] of rules) {
    const match = new RegExp(`^${escaped(own)}(\\.weight|\\.bias)?$`).exec(name);
    if (!match) continue;
    const [, ...groups] = match;
    const suffix = groups.pop() ?? '';
    const shapes = tensor.shapes.map(([rows = 0, ...row]) => [rows / parts.length, ...row]);
    return parts.map((part) => ({
      ...tensor,
      names: [part.replace('*', groups[0] ?? '') + suffix],
      shapes,
    }));
  }
  throw new InvalidArgumentError({
    argument: 'rules',
    value: name,
    expected: 'a rule for every parameter',
  });
}

/** The pattern of a name, in which `*` captures digits. */
function escaped(name: string): string {
  return name.replaceAll('.', '\\.').replace('*', '(\\d+)');
}

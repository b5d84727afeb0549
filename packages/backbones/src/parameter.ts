import { permute } from './permute.js';

/** One tensor of a checkpoint: how files store it, and how the ops of this package want it. */
export interface Parameter {
  readonly name: string;
  /** Names of the same tensor in older files. */
  readonly aliases: readonly string[];
  /** Accepted stored shapes, the usual one first. All hold the same values in the same order. */
  readonly storedShapes: readonly (readonly number[])[];
  /** Permutation from the usual stored shape to the memory order of `shape`. */
  readonly order: readonly number[];
  /** Shape of the tensor after loading. */
  readonly shape: readonly number[];
  /** Mean and standard deviation of random values, such that activations keep their size through a random network. */
  readonly random: { readonly mean: number; readonly std: number };
}

const BIAS = { mean: 0, std: 0.1 };

/** `name.weight`, stored `[out, in]` and loaded `[in, out]`, and `name.bias` `[out]`. */
export function linearParameters(name: string, inputs: number, outputs: number): Parameter[] {
  return [
    {
      name: `${name}.weight`,
      aliases: [],
      storedShapes: [[outputs, inputs]],
      order: [1, 0],
      shape: [inputs, outputs],
      random: { mean: 0, std: inputs ** -0.5 },
    },
    vector(`${name}.bias`, outputs),
  ];
}

export interface ConvParametersOptions {
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
      aliases: [],
      storedShapes: [[outputs, inputs, kernel, kernel]],
      order: [2, 3, 1, 0],
      shape: [kernel, kernel, inputs, outputs],
      random: { mean: 0, std: (inputs * kernel ** 2) ** -0.5 },
    },
    vector(`${name}.bias`, outputs),
  ];
}

/** A convolution over disjoint patches, loaded as the matrix `[k * k * in, out]`. */
export function patchParameters(options: ConvParametersOptions): Parameter[] {
  const { inputs, outputs, kernel } = options;
  const rows = kernel ** 2 * inputs;
  return convParameters(options).map((parameter) =>
    parameter.storedShapes[0]?.length === 4 ? { ...parameter, shape: [rows, outputs] } : parameter,
  );
}

/** `name.weight` and `name.bias`, stored `[C]` and loaded `[groups, C / groups]`. */
export function groupNormParameters(name: string, channels: number, groups: number): Parameter[] {
  const shape = [groups, channels / groups];
  return [
    { ...vector(`${name}.weight`, channels), shape, random: { mean: 1, std: 0.1 } },
    { ...vector(`${name}.bias`, channels), shape },
  ];
}

/** `name.weight` `[rows, width]`, one embedding per row. */
export function tableParameter(name: string, rows: number, width: number): Parameter {
  return {
    name: `${name}.weight`,
    aliases: [],
    storedShapes: [[rows, width]],
    order: [0, 1],
    shape: [rows, width],
    random: { mean: 0, std: 1 },
  };
}

/** A parameter's values as this package lays them out. */
export function arrange(parameter: Parameter, values: Float32Array): Float32Array {
  const { storedShapes, order } = parameter;
  if (order.every((axis, i) => axis === i)) return values;
  return permute({ values, shape: storedShapes[0] ?? [], order });
}

function vector(name: string, size: number): Parameter {
  return { name, aliases: [], storedShapes: [[size]], order: [0], shape: [size], random: BIAS };
}

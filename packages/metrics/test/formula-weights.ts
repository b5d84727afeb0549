import type { PixelImage, WeightSource } from '@harmonica/core';
import type { io } from '@tensorflow/tfjs-core';
import { pytorchFormat } from '../src/load-inception.js';
import { parametersOf } from '../src/read-inception.js';

/** A number in [0, 1), scrambled from a position, as in scripts/formula.py. */
function fraction(position: number, salt: number): number {
  let h = Math.imul(position, 0x9e3779b1) + Math.imul(salt, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** An Inception checkpoint whose weights follow from their names and positions. */
export function formulaWeights(): WeightSource {
  const parameters = [...parametersOf(pytorchFormat()), { name: 'fc.bias', shape: [1008] }];
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  const names = [...shapes.keys()].sort();
  return {
    path: 'formula.pth',
    names,
    info: (name) => ({ shape: shapes.get(name) as number[], dtype: 'f32' }),
    read: async (name) => valuesOf(name, shapes.get(name) as number[], names.indexOf(name)),
    close: async () => {},
  };
}

function valuesOf(name: string, shape: readonly number[], salt: number): Float32Array {
  const [low, span] = rangeOf(name, shape.length > 1 ? sizeOf(shape.slice(1)) : undefined);
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = low + span * fraction(i, salt);
  return values;
}

/** A tensor of a layers model. */
export interface KerasWeight {
  readonly name: string;
  readonly shape: number[];
}

/** A layers model of quantized weights that follow from their names and positions, in two shards. */
export function formulaLayersModel(weights: readonly KerasWeight[]): io.ModelArtifacts {
  const names = weights.map(({ name }) => name).sort();
  const weightSpecs = weights.map(({ name, shape }): io.WeightsManifestEntry => {
    const [min, span] = rangeOf(name, shape.length > 1 ? sizeOf(shape.slice(0, -1)) : undefined);
    const quantization = { dtype: 'uint8', min, scale: span / 255 } as const;
    return { name, shape, dtype: 'float32', quantization };
  });
  const bytes = new Uint8Array(weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0));
  let start = 0;
  for (const { name, shape } of weights) {
    const [size, salt] = [sizeOf(shape), names.indexOf(name)];
    for (let i = 0; i < size; i++) bytes[start + i] = Math.floor(256 * fraction(i, salt));
    start += size;
  }
  const weightData = [bytes.buffer.slice(0, 4_000_001), bytes.buffer.slice(4_000_001)];
  return { weightSpecs, weightData };
}

/** The smallest value of a tensor, and how far the largest is from it. Vectors have no `fanIn`. */
function rangeOf(name: string, fanIn: number | undefined): readonly [number, number] {
  if (/running_var$|moving_variance$/.test(name)) return [0.5, 1];
  if (name.endsWith('bn.weight')) return [0.8, 0.4];
  if (fanIn === undefined) return [-0.2, 0.4];
  const bound = Math.sqrt(6 / fanIn);
  return [-bound, 2 * bound];
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** An image of slanted stripes with a little noise. */
export function formulaImage(height: number, width: number, salt: number): PixelImage {
  const data = new Uint8Array(height * width * 3).map((_, i) => {
    const [row, column, channel] = [Math.floor(i / 3 / width), Math.floor(i / 3) % width, i % 3];
    const wave = Math.abs(((3 * column + 5 * row + 85 * channel) % 510) - 255);
    return Math.floor((wave * 15) / 16 + 16 * fraction(i, salt));
  });
  return { data, height, width, channels: 3 };
}

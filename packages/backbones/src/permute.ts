export interface PermuteOptions {
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

/** Number of elements of a shape; 1 for a scalar's `[]`. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

/** Whether a value is a list of integers from 0 to 2^53 - 1. */
export function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isSize);
}

/** Whether a value is an integer from 0 to 2^53 - 1. */
export function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * `count` evenly spaced numbers from `start` to `stop`, both included, in NumPy's order of operations so that the last
 * bit agrees. One number is `start`.
 */
export function linspace(options: { start: number; stop: number; count: number }): number[] {
  const { start, stop, count } = options;
  if (count === 1) return [start];
  const step = (stop - start) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? stop : i * step + start));
}

/** Nearest integer, halves to the even neighbour: IEEE 754's default, and the rounding of Python and NumPy. */
export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

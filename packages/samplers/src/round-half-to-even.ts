/** Nearest integer, halves to the even neighbour: IEEE 754's default, and the rounding of Python and NumPy. */
export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

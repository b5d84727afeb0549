/**
 * Moments `M_i = z int_0^1 exp(-z (1 - w)) w^i dw` of the kernel that a step integrates predictions against, with w = 0
 * at the start of the step and w = 1 at its end. Infinite z leaves the end alone.
 *
 * By parts `M_0 = 1 - exp(-z)`, `M_i = 1 - (i / z) M_{i-1}`; near 0, where that cancels, the power series of `exp`.
 */
export function kernelMoments(z: number, count: number): number[] {
  if (Math.abs(z) < 1) return Array.from({ length: count }, (_, i) => momentSeries(z, i));
  const moments = [-Math.expm1(-z)];
  for (let i = 1; i < count; i++) moments.push(1 - (i / z) * (moments[i - 1] as number));
  return moments;
}

/** `i! sum_k (-1)^k z^(k + 1) / (k + i + 1)!` */
function momentSeries(z: number, i: number): number {
  let term = z / (i + 1);
  let sum = 0;
  for (let k = 1; k <= 20; k++) {
    sum += term;
    term *= -z / (k + i + 1);
  }
  return sum;
}

/**
 * Weights that integrate the polynomial through some predictions against the kernel: exact for polynomials of degree
 * `nodes.length - 1` in the log signal-to-noise ratio.
 *
 * @param options.nodes where the predictions were made, in lengths of the step from its start; all different
 * @param options.exponent z of {@link kernelMoments}
 * @returns one weight per node
 */
export function interpolationWeights(options: {
  readonly nodes: readonly number[];
  readonly exponent: number;
}): number[] {
  const { nodes, exponent } = options;
  const moments = kernelMoments(exponent, nodes.length);
  return nodes.map((_, k) =>
    basisPolynomial(nodes, k).reduce((sum, c, i) => sum + c * (moments[i] as number), 0),
  );
}

/** Coefficients, constant first, of the polynomial that is 1 at node `k` and 0 at the others. */
function basisPolynomial(nodes: readonly number[], k: number): number[] {
  let polynomial = [1];
  nodes.forEach((node, j) => {
    if (j === k) return;
    const width = (nodes[k] as number) - node;
    polynomial = [...polynomial, 0].map(
      (c, i) => ((polynomial[i - 1] ?? 0) - (i < polynomial.length ? c : 0) * node) / width,
    );
  });
  return polynomial;
}

/**
 * What stands for the first moment where two predictions make a straight line. `'exact'`: M_1. `'midpoint'`: M_0 / 2, as
 * if the line were constant at the middle (DPM-Solver's midpoint, UniPC's B(h) = e^h - 1). `'half-width'`: z / 2, the first
 * term of its series (UniPC's B(h) = h, SA-Solver). All three agree up to z^3.
 */
export type SlopeRule = 'exact' | 'midpoint' | 'half-width';

/**
 * Weights of two predictions, one at the start of the step, the other at `node`.
 *
 * @returns weight of the prediction at the start, weight of the other
 */
export function lineWeights(options: {
  readonly node: number;
  readonly exponent: number;
  readonly slope: SlopeRule;
}): [start: number, other: number] {
  const { node, exponent, slope } = options;
  const [whole, first] = kernelMoments(exponent, 2) as [number, number];
  const integral = { exact: first, midpoint: whole / 2, 'half-width': exponent / 2 }[slope];
  return [whole - integral / node, integral / node];
}

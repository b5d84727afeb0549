import { UnsupportedError } from '@harmonica/core';
import { logSnr, type NoisePoint, type PlanUpdate } from '../plan.js';

/** What a method integrates over the log signal-to-noise ratio: predicted samples or predicted noise. */
export type SolverSpace = 'sample' | 'epsilon';

/** One step of an exponential integrator, without its quadrature: `x' = carry x + scale sum_j weight_j p_j + std z`. */
export interface ExponentialStep {
  readonly carry: number;
  readonly scale: number;
  /** z of `kernelMoments`, for the weights. */
  readonly exponent: number;
  /** Growth of the log signal-to-noise ratio: h of the papers. Infinite if the step ends on a sample. */
  readonly width: number;
  readonly std: number;
}

/** Options of {@link exponentialStep}. */
export interface ExponentialStepOptions {
  readonly from: NoisePoint;
  readonly to: NoisePoint;
  readonly space: SolverSpace;
  /** Stochasticity: 0 (default) is the probability flow, 1 the reverse diffusion. */
  readonly tau?: number;
}

/**
 * The exact solution of the diffusion's semi-linear equation over a step, but for the integral of the predictions:
 * DPM-Solver++ (2022), Proposition 4.1 (samples); DPM-Solver (2022), Eq. 3.4 (noise); SA-Solver (2023), Section 4 (with
 * noise added).
 *
 * @throws {@link UnsupportedError} if a method that integrates noise is to end at sigma 0, infinitely far away
 */
export function exponentialStep(options: ExponentialStepOptions): ExponentialStep {
  const { from, to, space, tau = 0 } = options;
  const width = logSnr(to) - logSnr(from);
  const variance = tau * tau;
  if (space === 'sample') {
    const damping = tau === 0 ? 1 : Math.exp(-variance * width);
    return {
      carry: (to.sigma / from.sigma) * damping,
      scale: to.alpha,
      exponent: (1 + variance) * width,
      width,
      std: tau === 0 ? 0 : to.sigma * Math.sqrt(-Math.expm1(-2 * variance * width)),
    };
  }
  if (to.sigma === 0) {
    throw new UnsupportedError({
      feature: 'a final sigma of zero',
      engine: 'A method that integrates predicted noise',
      fix: "Use finalSigma: 'min', or a method that integrates samples.",
    });
  }
  return {
    carry: to.alpha / from.alpha,
    scale: (1 + variance) * to.sigma,
    exponent: -width,
    width,
    std: tau === 0 ? 0 : tau * to.sigma * Math.sqrt(Math.expm1(2 * width)),
  };
}

/** A step from point `start` of a path to point `end`, and which predictions it reads. */
export interface PathStepOptions extends Omit<ExponentialStepOptions, 'from' | 'to'> {
  readonly path: readonly NoisePoint[];
  readonly start: number;
  readonly end: number;
  /** How many predictions, the latest of them made at point `latest`. */
  readonly count: number;
  /** Default `end - 1`. */
  readonly latest?: number;
}

/** Weights of predictions that were made at `nodes`, in widths of the step from its start; z of the kernel is `exponent`. */
export type Quadrature = (nodes: readonly number[], exponent: number) => readonly number[];

/** The update of a step whose integral is that of a quadrature. */
export function pathStep(options: PathStepOptions, quadrature: Quadrature): FixedUpdate {
  const { path, start, end, count, latest = end - 1 } = options;
  const [from, to] = [path[start] as NoisePoint, path[end] as NoisePoint];
  const { carry, scale, exponent, width, std } = exponentialStep({ ...options, from, to });
  const nodes = Array.from(
    { length: count },
    (_, k) => (logSnr(path[latest - k] as NoisePoint) - logSnr(from)) / width,
  );
  const history = quadrature(nodes, exponent).map((weight) => weight * scale);
  return { carry, history, noise: { kind: 'fixed', std } };
}

/** An update whose noise does not depend on the model. */
export interface FixedUpdate extends PlanUpdate {
  readonly noise: Extract<PlanUpdate['noise'], { kind: 'fixed' }>;
}

/** Whether the step from a point of the path can only be of first order, because its width is infinite (it ends on a sample) or 0. */
export function isFirstOrderOnly(path: readonly NoisePoint[], index: number): boolean {
  const [from, to] = [path[index] as NoisePoint, path[index + 1] as NoisePoint];
  return to.sigma === 0 || to.sigma === from.sigma;
}

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
 * @param options.exponent z of the kernel `exp(-z (1 - u))`: the step's `exponent`
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
type SlopeRule = 'exact' | 'midpoint' | 'half-width';

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

/**
 * A predictor-corrector method's step, with predictions latest first and `corrected` the latent at the start of the step:
 *
 *     predictor      x'         = carry * corrected + sum_j history[j] * p[n - j] + noise
 *     corrector      corrected' = carry * corrected + sum_j corrector[j] * p[n + 1 - j] + the same noise
 */
export interface PredictorCorrectorStep {
  readonly predictor: PlanUpdate;
  /** Absent: the latent that the predictor gives is not corrected. */
  readonly corrector?: readonly number[];
}

/**
 * The steps as updates of the latent that the model sees, which is never corrected. The corrected latent differs from it by
 * `sum_j (corrector[j] - history[j - 1]) * p[n + 1 - j]`, because carry and noise are the same: predictions that the next
 * step has anyway. So a correction costs no tensor and no state; the step after it carries it on.
 */
export function foldCorrector(steps: readonly PredictorCorrectorStep[]): PlanUpdate[] {
  return steps.map(({ predictor }, index) => {
    const before = steps[index - 1];
    if (!before?.corrector) return predictor;
    const { carry, history, noise } = predictor;
    const correction = difference(before.corrector, [0, ...before.predictor.history]);
    const length = Math.max(history.length, correction.length);
    return {
      carry,
      history: Array.from({ length }, (_, j) => (history[j] ?? 0) + carry * (correction[j] ?? 0)),
      noise,
    };
  });
}

function difference(a: readonly number[], b: readonly number[]): number[] {
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, j) => (a[j] ?? 0) - (b[j] ?? 0));
}

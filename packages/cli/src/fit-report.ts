import type { PolynomialFit } from '@harmonica/router';

/** R squared below which a fit is called poor. */
const POOR_FIT = 0.8;

/** How well a polynomial describes the points of a calibration, and a warning if it does not. */
export function fitReport({ coefficients, rSquared, samples }: PolynomialFit): {
  readonly text: string;
  readonly warning?: string;
} {
  const degree = coefficients.length - 1;
  const text = `polynomial of degree ${degree} through ${samples} points: R squared ${rSquared.toFixed(3)}\n`;
  if (rSquared >= POOR_FIT) return { text };
  const warning =
    `warning: an R squared below ${POOR_FIT} is poor: the input of this model says little about its output. ` +
    'Take more --seeds, or another method.\n';
  return { text, warning };
}

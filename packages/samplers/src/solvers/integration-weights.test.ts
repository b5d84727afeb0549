import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpolationWeights, kernelMoments, lineWeights } from './exponential-step.js';

/** `z int_0^1 exp(-z (1 - w)) f(w) dw` by Simpson's rule. */
function quadrature(z: number, f: (w: number) => number): number {
  const count = 20_000;
  let sum = 0;
  for (let i = 0; i <= count; i++) {
    const weight = i === 0 || i === count ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * Math.exp(-z * (1 - i / count)) * f(i / count);
  }
  return (z * sum) / (3 * count);
}

const exponents = [-6, -1.0001, -0.9999, -0.3, 1e-4, 0.5, 0.9999, 1.0001, 4, 12];

describe('kernelMoments', () => {
  it.each(exponents)('z %d: the integrals that they are said to be', (z) => {
    kernelMoments(z, 5).forEach((moment, i) => {
      const expected = quadrature(z, (w) => w ** i);
      expect(Math.abs(moment / expected - 1)).toBeLessThan(1e-11);
    });
  });

  it('are 0 for a step of no width, 1 for one without end', () => {
    expect(kernelMoments(0, 4)).toEqual([0, 0, 0, 0]);
    expect(kernelMoments(Number.POSITIVE_INFINITY, 4)).toEqual([1, 1, 1, 1]);
  });

  it('keep their digits for tiny steps: M_i is z / (i + 1)', () => {
    kernelMoments(1e-9, 5).forEach((moment, i) => {
      expect((moment * (i + 1)) / 1e-9).toBeCloseTo(1, 8);
    });
  });
});

describe('interpolationWeights', () => {
  it('integrate polynomials of their degree exactly', () => {
    const value = fc.double({ min: -2, max: 2, noNaN: true });
    const gap = fc.double({ min: 0.3, max: 2, noNaN: true });
    const cases = fc.record({
      exponent: fc.constantFrom(...exponents),
      gaps: fc.array(gap, { minLength: 1, maxLength: 4 }),
      coefficients: fc.array(value, { minLength: 5, maxLength: 5 }),
    });
    fc.assert(
      fc.property(cases, ({ exponent, gaps, coefficients }) => {
        let place = 1;
        const nodes = gaps.map((width) => {
          place -= width;
          return place;
        });
        const used = coefficients.slice(0, nodes.length);
        const polynomial = (w: number) => used.reduceRight((sum, c) => sum * w + c, 0);
        const weights = interpolationWeights({ nodes, exponent });
        const sum = weights.reduce((total, w, k) => total + w * polynomial(nodes[k] as number), 0);
        const moments = kernelMoments(exponent, nodes.length);
        const exact = used.reduce((total, c, i) => total + c * (moments[i] as number), 0);
        const scale = weights.reduce((total, w) => total + Math.abs(w), 1e-9);
        expect(Math.abs(sum - exact)).toBeLessThan(1e-9 * scale * 100);
      }),
    );
  });

  it('of one prediction is the whole integral', () => {
    expect(interpolationWeights({ nodes: [0], exponent: 0.4 })[0]).toBeCloseTo(-Math.expm1(-0.4));
  });
});

describe('lineWeights', () => {
  it('are the interpolation for the exact slope', () => {
    const [start, other] = lineWeights({ node: -0.7, exponent: 1.3, slope: 'exact' });
    const expected = interpolationWeights({ nodes: [0, -0.7], exponent: 1.3 });
    expect(start).toBeCloseTo(expected[0] as number, 14);
    expect(other).toBeCloseTo(expected[1] as number, 14);
  });

  it('differ between rules by the third power of the width', () => {
    const slopes = (exponent: number) =>
      (['exact', 'midpoint', 'half-width'] as const).map(
        (slope) => lineWeights({ node: 1, exponent, slope })[1],
      );
    for (const exponent of [0.01, -0.01]) {
      const [exact, midpoint, halfWidth] = slopes(exponent) as [number, number, number];
      expect((exact - midpoint) / exponent ** 2).toBeCloseTo(1 / 12, 2);
      expect((exact - halfWidth) / exponent ** 2).toBeCloseTo(-1 / 6, 2);
    }
  });
});

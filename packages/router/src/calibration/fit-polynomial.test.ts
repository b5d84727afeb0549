import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { official } from '../__fixtures__/official-policies.js';
import { evaluatePolynomial, fitPolynomial } from './fit-polynomial.js';

const { x, y, fits } = official.polynomials;

describe('fitPolynomial', () => {
  it.each(fits)('is numpy.polyfit at degree $degree', (expected) => {
    const fit = fitPolynomial({ x, y, degree: expected.degree });
    expect(fit.coefficients).toHaveLength(expected.coefficients.length);
    fit.coefficients.forEach((coefficient, i) => {
      const reference = expected.coefficients[i] as number;
      // Powers up to the eighth of numbers below 0.4 have a condition number of about 1e8.
      expect(Math.abs(coefficient - reference)).toBeLessThan(1e-8 * Math.abs(reference) + 1e-12);
    });
    expect(fit.rSquared).toBeCloseTo(expected.rSquared, 12);
    expect(fit.samples).toBe(x.length);
  });

  it('finds the polynomial that its points lie on', () => {
    const polynomial = [3, 0, -1, 2, 0.5];
    const at = [-1, -0.4, 0, 0.3, 0.8, 1.1];
    const fit = fitPolynomial({
      x: at,
      y: at.map((value) => evaluatePolynomial(polynomial, value)),
    });
    fit.coefficients.forEach((value, i) => {
      expect(value).toBeCloseTo(polynomial[i] as number, 11);
    });
    expect(fit.rSquared).toBeCloseTo(1, 12);
  });

  it('says when the points tell nothing', () => {
    const fit = fitPolynomial({ x: [0, 1, 2, 3], y: [1, -1, -1, 1], degree: 1 });
    expect(fit.rSquared).toBeCloseTo(0, 12);
    expect(fitPolynomial({ x: [0, 1, 2], y: [4, 4, 4], degree: 1 }).rSquared).toBe(1);
  });

  it.each([
    { x: [1, 2], y: [1] },
    { x: [1, Number.NaN], y: [1, 2] },
    { x: [1, 1, 1], y: [1, 2, 3] },
    { x: [], y: [], degree: 0 },
    { x: [1, 2], y: [1, 2], degree: -1 },
  ])('refuses %o', (points) => {
    expect(() => fitPolynomial({ degree: 1, ...points })).toThrow(InvalidArgumentError);
  });
});

import { expect, it } from 'vitest';
import { fitReport } from './training-report.js';

it('warns of a polynomial that explains little', () => {
  const fit = { coefficients: [1, 0, 2], samples: 38 };
  expect(fitReport({ ...fit, rSquared: 0.8 })).toEqual({
    text: 'polynomial of degree 2 through 38 points: R squared 0.800\n',
  });
  const poor = fitReport({ ...fit, rSquared: 0.0954 });
  expect(poor.text).toContain('R squared 0.095\n');
  expect(poor.warning).toMatch(/^warning: an R squared below 0.8 is poor/);
});

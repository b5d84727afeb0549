import { InvalidArgumentError, type PredictorName } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { PREDICTOR_NAMES, predictorByName } from './predictor-by-name.js';

describe('predictorByName', () => {
  it('finds every predictor by its own name', () => {
    expect(PREDICTOR_NAMES.map((name) => predictorByName(name).name)).toEqual([
      'hold',
      'linear',
      'quadratic',
    ]);
  });

  it('refuses a name that no predictor has', () => {
    expect(() => predictorByName('cubic' as PredictorName)).toThrow(InvalidArgumentError);
  });
});

import {
  assertCount,
  type CacheMethod,
  InvalidArgumentError,
  type Provenance,
} from '@harmonica/core';
import { createProvenance, type RunSetting } from '../schedule/provenance.js';
import type { Calibration } from './calibration.js';
import { fitPolynomial } from './fit-polynomial.js';
import {
  createChangeRecorder,
  createMagnitudeRecorder,
  createTeaCacheRecorder,
} from './recorders.js';

/** Calibrates a caching method: looks on while sampling goes on uncached. */
export interface Calibrator {
  /** For `generate({ cache })`, in as many runs as wanted: computes everything. */
  readonly cache: CacheMethod;
  /**
   * What all runs that came to their end told.
   *
   * @param options `training` is a free record of how it was done.
   * @throws {@link InvalidArgumentError} if there is none, or too little for a polynomial
   */
  calibration(options?: { readonly training?: Provenance['training'] }): Calibration;
}

/** Options of {@link createCalibrator}. */
export interface CalibratorOptions {
  readonly method: Calibration['method'];
  /** The run that is calibrated, of two steps or more. */
  readonly setting: RunSetting;
  /** Of `smoothcache`: over how many steps changes are recorded, an integer of at least 1. Default 3. */
  readonly lookback?: number;
  /** Of `teacache`: degree of its polynomial, an integer of at least 1. Default 4, as published. */
  readonly degree?: number;
}

/**
 * A calibrator for a method and a run.
 *
 * @throws {@link InvalidArgumentError} if a number is outside its range
 */
export function createCalibrator(options: CalibratorOptions): Calibrator {
  const { method, setting, degree = 4, lookback } = options;
  const steps = setting.plan.steps.length;
  if (steps < 2) {
    throw new InvalidArgumentError({
      argument: 'steps',
      value: steps,
      expected: 'at least 2, because changes from step to step are what is recorded',
    });
  }
  const headerOf = (training: Provenance['training']) => ({
    version: 1 as const,
    kind: 'calibration' as const,
    steps,
    branches: setting.spec.branches.length,
    provenance: createProvenance({ ...setting, ...(training && { training }) }),
  });
  switch (method) {
    case 'teacache': {
      assertCount({ argument: 'degree', value: degree });
      const recorder = createTeaCacheRecorder();
      return {
        cache: recorder.cache,
        calibration({ training } = {}) {
          const pairs = recorder.pairs();
          const runs = pairs.x.length / (steps - 1);
          return { ...headerOf(training), method, runs, ...fitPolynomial({ ...pairs, degree }) };
        },
      };
    }
    case 'smoothcache': {
      const recorder = createChangeRecorder(lookback === undefined ? {} : { lookback });
      return {
        cache: recorder.cache,
        calibration: ({ training } = {}) => ({
          ...headerOf(training),
          method,
          ...recorder.recorded(),
        }),
      };
    }
    case 'magcache': {
      const recorder = createMagnitudeRecorder();
      return {
        cache: recorder.cache,
        calibration: ({ training } = {}) => ({
          ...headerOf(training),
          method,
          ...recorder.recorded(),
        }),
      };
    }
  }
}

import {
  assertCount,
  type CacheMethod,
  InvalidArgumentError,
  type Provenance,
} from '@harmonica/core';
import { createProvenance, type RunSetting } from '../schedule/provenance.js';
import type { Calibration, RecordedChanges, RecordedMagnitudes } from './calibration.js';
import { fitPolynomial, type PolynomialFit } from './fit-polynomial.js';
import {
  createChangeRecorder,
  createMagnitudeRecorder,
  createTeaCacheRecorder,
  type Recorder,
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

/** What runs told a method, without what all calibrations say. */
type FoundCalibration =
  | ({ readonly method: 'teacache'; readonly runs: number } & PolynomialFit)
  | ({ readonly method: 'smoothcache' } & RecordedChanges)
  | ({ readonly method: 'magcache' } & RecordedMagnitudes);

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
  const calibratorOf = <Recorded>(
    recorder: Recorder<Recorded>,
    describe: (recorded: Recorded) => FoundCalibration,
  ): Calibrator => ({
    cache: recorder.cache,
    calibration: ({ training } = {}) => ({
      version: 1,
      kind: 'calibration',
      steps,
      branches: setting.spec.branches.length,
      provenance: createProvenance({ ...setting, ...(training && { training }) }),
      ...describe(recorder.recorded()),
    }),
  });
  switch (method) {
    case 'teacache':
      assertCount({ argument: 'degree', value: degree });
      return calibratorOf(createTeaCacheRecorder(), (pairs) => ({
        method,
        runs: pairs.x.length / (steps - 1),
        ...fitPolynomial({ ...pairs, degree }),
      }));
    case 'smoothcache':
      return calibratorOf(
        createChangeRecorder(lookback === undefined ? {} : { lookback }),
        (changes) => ({ method, ...changes }),
      );
    case 'magcache':
      return calibratorOf(createMagnitudeRecorder(), (ratios) => ({ method, ...ratios }));
  }
}

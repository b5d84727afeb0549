import { assertArgument, ConfigError, type Provenance } from '@harmonica/core';
import { CACHING_METHODS, type Calibration } from '../methods/table.js';
import { createProvenance, type RunSetting } from '../schedule/provenance.js';
import {
  type CalibrationHeader,
  type CalibrationKind,
  parseFields,
  parseHeader,
  type Recorder,
  type RecorderOptions,
} from './calibration.js';

/** Calibrates a caching method: looks on while sampling goes on uncached. */
export interface Calibrator extends Pick<Recorder<unknown>, 'cache'> {
  /**
   * What all runs that came to their end told.
   *
   * @param options `training` is a free record of how it was done.
   * @throws {@link InvalidArgumentError} if there is none, or too little for a polynomial
   */
  calibration(options?: { readonly training?: Provenance['training'] }): Calibration;
}

/** Options of {@link createCalibrator}. */
export interface CalibratorOptions extends RecorderOptions {
  /** One of {@link calibratedMethods}. */
  readonly method: string;
  /** The run that is calibrated, of two steps or more. */
  readonly setting: RunSetting;
}

/** The names of the methods that are calibrated. */
export function calibratedMethods(): readonly string[] {
  return CACHING_METHODS.entries().flatMap(({ calibration }) => calibration?.method ?? []);
}

/**
 * A calibrator for a method and a run.
 *
 * @throws {@link InvalidArgumentError} if the method is not calibrated, or a number is outside its range
 */
export function createCalibrator(options: CalibratorOptions): Calibrator {
  const { method, setting, ...given } = options;
  const steps = setting.plan.steps.length;
  assertArgument(
    { steps },
    'at least 2, because changes from step to step are what is recorded',
    steps >= 2,
  );
  const kind = findKind(method);
  assertArgument(
    { method },
    `one that is calibrated: ${calibratedMethods().join(', ')}`,
    kind !== undefined,
  );
  const { cache, recorded } = kind.recorder(given);
  return {
    cache,
    calibration({ training } = {}) {
      const header: Omit<CalibrationHeader, 'runs'> = {
        version: 1,
        kind: 'calibration',
        method,
        steps,
        branches: setting.spec.branches.length,
        provenance: createProvenance({ ...setting, ...(training && { training }) }),
      };
      return { ...header, ...recorded() } as Calibration;
    },
  };
}

/** Parses a calibration of any method. @throws {@link ConfigError} */
export function parseCalibration(text: string, source = 'calibration'): Calibration {
  const { method } = parseHeader(text, source);
  const kind = findKind(method);
  if (kind) return parseFields(kind, text, source) as Calibration;
  const message = `expected one of ${calibratedMethods().join(', ')}; got ${JSON.stringify(method)}`;
  throw new ConfigError({ source, issues: [{ path: 'method', message }] });
}

function findKind(method: string): CalibrationKind<string, object> | undefined {
  return CACHING_METHODS.find(method)?.calibration as CalibrationKind<string, object> | undefined;
}

import {
  IncompatibleError,
  InvalidArgumentError,
  type PredictorChoice,
  parseJson,
  UnsupportedError,
} from '@harmonica/core';
import { z } from 'zod';
import { type Calibration, parseCalibration } from '../calibration/calibration.js';
import { assertCompatible } from '../schedule/compatibility.js';
import type { RunSetting } from '../schedule/provenance.js';

export interface Predicting {
  /** What stands in for a branch that is not computed. Default `hold`. */
  readonly predictor?: PredictorChoice;
}

/** The run that {@link policyFrom} makes a policy for. */
export interface PolicyContext extends RunSetting {
  /** The text of a file that a spec names. Without it such specs are refused. */
  readonly read?: ((file: string) => Promise<string>) | undefined;
}

/** Refuses settings that a file does not have. */
export function refuse(
  settings: Readonly<Record<string, unknown>>,
  what: string,
  whose: string,
): void {
  for (const [argument, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    const expected = `nothing beside ${what}: it is a setting of a ${whose}`;
    throw new InvalidArgumentError({ argument, value, expected });
  }
}

export async function calibrationIn<Method extends Calibration['method']>(
  file: string,
  method: Method,
  context: PolicyContext,
): Promise<Extract<Calibration, { method: Method }>> {
  const calibration = parseCalibration(await readText(file, context), file);
  if (calibration.method !== method) {
    throw new IncompatibleError({
      what: `The method that ${file} calibrates`,
      actual: calibration.method,
      expected: method,
      fix: `Calibrate ${method}, or use the policy ${calibration.method}.`,
    });
  }
  assertCompatible(calibration, context);
  return calibration as Extract<Calibration, { method: Method }>;
}

export function isCalibration(text: string, source: string): boolean {
  const { kind } = parseJson({ source, text, schema: z.record(z.string(), z.unknown()) });
  return kind === 'calibration';
}

export function readText(file: string, { read }: PolicyContext): Promise<string> {
  if (read) return read(file);
  throw new UnsupportedError({ feature: `the file ${file}`, engine: 'policyFrom without read' });
}

export function assertPredictors(predictor: PredictorChoice, { plan }: PolicyContext): void {
  const steps = plan.steps.length;
  if (typeof predictor === 'string' || predictor.length === steps) return;
  throw new InvalidArgumentError({
    argument: 'predictor',
    value: predictor,
    expected: `one name, or one for each of ${steps} steps`,
  });
}

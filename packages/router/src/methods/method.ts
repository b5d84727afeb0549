import {
  assertArgument,
  type Branch,
  type CacheSchedule,
  type PredictorChoice,
  type Provenance,
  UnsupportedError,
} from '@harmonica/core';
import { z } from 'zod';
import {
  type CalibrationHeader,
  type CalibrationKind,
  isCalibration,
  parseCalibrationOf,
  parseHeader,
} from '../calibration/calibration.js';
import { predictorNames } from '../predictors.js';
import type { DynamicPolicy, PolicyRun } from '../run/dynamic-policy.js';
import { assertCompatible } from '../schedule/compatibility.js';
import type { RunSetting } from '../schedule/provenance.js';

/** Reads the text of a file that a spec names. */
export type ReadFile = (file: string) => Promise<string>;

/** The run that {@link policyFrom} makes a policy for. */
export interface PolicyContext extends RunSetting {
  /** Without it specs that name a file are refused. */
  readonly read?: ReadFile | undefined;
}

/** What the file of a spec was made for: what a run is filled in by. */
export interface PolicyOrigin {
  /** Sampling steps T. */
  readonly steps: number;
  readonly provenance?: Provenance | undefined;
}

/** What a method becomes for a run: a schedule where all is known ahead, a policy that decides on the way, or nothing. */
export type MadePolicy = CacheSchedule | DynamicPolicy | 'none';

/** Settings as a shape of zod schemas has them. */
export type SettingsOf<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;

/**
 * A caching method, all of it: its name and settings, from which text and JSON are read, written, checked and explained,
 * and what it becomes for a run. Data and pure functions.
 */
export interface CachingMethod<
  Name extends string = string,
  Shape extends z.ZodRawShape = z.ZodRawShape,
  Found = unknown,
> {
  /** Lower-case letters and hyphens. */
  readonly name: Name;
  /** What it does, in a line of help. */
  readonly summary: string;
  /**
   * A zod schema for each setting, by its name in camel case; one that may be left out has `.exactOptional()`. Schemas tell
   * types; ranges are for `make` to check. Made when they are needed.
   */
  settings(): Shape;
  /** The setting that goes without its key in text: `interval`, in `fora:2`. */
  readonly firstSetting?: Extract<keyof Shape, string>;
  /**
   * What it becomes for a run. With a setting `predictor` that is what a dynamic policy is run with, else `hold`.
   *
   * @throws typed errors if a setting is outside its range
   */
  make(settings: SettingsOf<Shape>, context: PolicyContext): MadePolicy | Promise<MadePolicy>;
  /** What the file that it names was made for. Left out: it reads none, or none that says so. */
  origin?(settings: SettingsOf<Shape>, read: ReadFile): Promise<PolicyOrigin | undefined>;
  /** How it is calibrated; its file is then what `harmonica calibrate` writes. Left out: it is not. */
  readonly calibration?: CalibrationKind<Name, Found>;
  /** What it is called in results. Left out: its text. */
  title?(settings: SettingsOf<Shape>): string;
}

/** A method, whatever its settings. */
export type AnyCachingMethod = Pick<CachingMethod, keyof CachingMethod>;

/** A method as it is given, with the types of its name and settings. */
export function cachingMethod<const Name extends string, Shape extends z.ZodRawShape, Found>(
  method: CachingMethod<Name, Shape, Found>,
): CachingMethod<Name, Shape, Found> {
  return method;
}

/** The schema of a setting that is an integer. */
export function wholeNumber() {
  return z.int('expected a whole number');
}

/** The schema of a setting that is the name of a file. */
export function fileName() {
  return z.string().min(1);
}

/** The setting `predictor`: what stands in for a branch that is not computed, `hold` by default. */
export function predicting() {
  const name = z.enum(predictorNames());
  return { predictor: z.union([name, z.array(name).readonly()]).exactOptional() };
}

/** Steps and branches of a run. */
export function runOf({ plan, spec }: PolicyContext): PolicyRun {
  return { steps: plan.steps.length, branches: spec.branches };
}

/** How many blocks the branches are of. */
export function blockCount(branches: readonly Branch[]): number {
  return 1 + Math.max(-1, ...branches.map(({ block }) => block));
}

export function assertThreshold(threshold: number): void {
  assertArgument({ threshold }, 'a relative change of at least 0', threshold >= 0);
}

/** Refuses settings that a file does not have. */
export function refuse(
  settings: Readonly<Record<string, unknown>>,
  what: string,
  whose: string,
): void {
  const expected = `nothing beside ${what}: it is a setting of a ${whose}`;
  for (const [name, value] of Object.entries(settings)) {
    assertArgument({ [name]: value }, expected, value === undefined);
  }
}

/** The calibration of a method that a spec names, checked to be for the run. */
export async function calibrationIn<Method extends string, Found>(
  file: string,
  kind: CalibrationKind<Method, Found>,
  context: PolicyContext,
): Promise<CalibrationHeader<Method> & Found> {
  const calibration = parseCalibrationOf(kind, await readText(file, context), file);
  assertCompatible(calibration, context);
  return calibration;
}

/** The `origin` of a method whose file is a calibration. A file of other code does not say what it was made for. */
export async function calibrationOrigin(
  { file }: { readonly file: string },
  read: ReadFile,
): Promise<PolicyOrigin | undefined> {
  const text = await read(file);
  return isCalibration(text, file) ? parseHeader(text, file) : undefined;
}

export function readText(file: string, { read }: PolicyContext): Promise<string> {
  if (read) return read(file);
  throw new UnsupportedError({ feature: `the file ${file}`, engine: 'policyFrom without read' });
}

export function assertPredictors(predictor: PredictorChoice, { plan }: PolicyContext): void {
  const steps = plan.steps.length;
  const fits = typeof predictor === 'string' || predictor.length === steps;
  assertArgument({ predictor }, `one name, or one for each of ${steps} steps`, fits);
}

import { assertArgument, createNameTable } from '@harmonica/core';
import type { z } from 'zod';
import type { CalibrationHeader, CalibrationKind } from '../calibration/calibration.js';
import { deltaDit } from './delta-dit.js';
import { dualBlockCache } from './dual-block-cache.js';
import { firstBlockCache } from './first-block-cache.js';
import { fora, interval } from './interval.js';
import { magCache } from './mag-cache.js';
import { type AnyCachingMethod, type CachingMethod, cachingMethod } from './method.js';
import { pab } from './pab.js';
import { scheduleFile } from './schedule-file.js';
import { smoothCache } from './smooth-cache.js';
import { taylorSeer } from './taylor-seer.js';
import { teaCache } from './tea-cache.js';

/** No caching: every branch is computed in every step. */
const none = /* @__PURE__ */ cachingMethod({
  name: 'none',
  summary: 'everything is computed',
  settings: () => ({}),
  make: () => 'none',
});

/** The caching methods of this package, one line each. */
export const BUILT_IN_METHODS = [
  none,
  fora,
  interval,
  deltaDit,
  pab,
  smoothCache,
  magCache,
  taylorSeer,
  firstBlockCache,
  dualBlockCache,
  teaCache,
  scheduleFile,
] as const;

/** A caching method of this package and its settings, for any model and plan. Plain JSON. */
export type PolicySpec = {
  // Of a method without settings, zod has a type that no other key goes with.
  [Method in (typeof BUILT_IN_METHODS)[number] as Method['name']]: {
    readonly policy: Method['name'];
  } & (string extends keyof Parameters<Method['make']>[0]
    ? unknown
    : Readonly<Parameters<Method['make']>[0]>);
}[(typeof BUILT_IN_METHODS)[number]['name']];

/** A calibration of a method of this package. */
export type Calibration = CalibrationOf<(typeof BUILT_IN_METHODS)[number]>;

type CalibrationOf<Method> = Method extends {
  readonly calibration?: CalibrationKind<infer Name, infer Found>;
}
  ? unknown extends Found
    ? never
    : CalibrationHeader<Name> & Found
  : never;

/** All methods: those of this package, and those that were registered. */
export const CACHING_METHODS = /* @__PURE__ */ createNameTable<AnyCachingMethod>({
  what: 'policy',
  entries: BUILT_IN_METHODS,
});

/**
 * Makes a caching method known in this program, so that its text is read wherever a policy is: by `policyFrom`, in
 * schedules, in evaluations, by the command. A program that passes it on as an object writes it as text or JSON, because
 * {@link PolicySpec} lists the methods of this package alone.
 *
 * @returns a function that takes it away again
 * @throws {@link InvalidArgumentError} if its name is taken or is not of lower-case letters and hyphens, or if a setting
 * cannot be written in text: names of settings are letters in camel case, and `policy` is none
 *
 * @example
 * registerCachingMethod({
 *   name: 'mine',
 *   summary: 'every n-th step is computed',
 *   settings: () => ({ interval: z.int() }),
 *   firstSetting: 'interval',
 *   make: ({ interval }, { spec, plan }) =>
 *     createSchedule({
 *       decisions: plan.steps.map((_, step) => spec.branches.map(() => step % interval === 0)),
 *     }),
 * });
 */
export function registerCachingMethod<
  const Name extends string,
  Shape extends z.ZodRawShape,
  Found = unknown,
>(method: CachingMethod<Name, Shape, Found>): () => void {
  const { name } = method;
  assertArgument(
    { 'name of a policy': name },
    'lower-case letters and hyphens: a name with digits is a file',
    !/\d/.test(name),
  );
  const wrong = Object.keys(method.settings()).find(
    (key) => key === 'policy' || !/^[a-z][A-Za-z]*$/.test(key),
  );
  const expected = 'letters in camel case, and not policy';
  assertArgument({ [`a setting of ${name}`]: wrong }, expected, wrong === undefined);
  return CACHING_METHODS.register(method);
}

import { assertArgument, assertCount } from '@harmonica/core';
import { z } from 'zod';
import { calibrationKind, type Recorder } from '../calibration/calibration.js';
import {
  evaluatePolynomial,
  fitPolynomial,
  type PolynomialFit,
} from '../calibration/fit-polynomial.js';
import { comparedWith, createStepRecorder } from '../calibration/step-recorder.js';
import { type DynamicPolicy, decideWholeSteps, type StepDecider } from '../run/dynamic-policy.js';
import { relativeChange } from '../run/relative-change.js';
import {
  assertThreshold,
  cachingMethod,
  calibrationIn,
  calibrationOrigin,
  fileName,
  predicting,
  wholeNumber,
} from './method.js';

/** Options of {@link teaCachePolicy}. */
export interface TeaCacheOptions {
  /**
   * Rescaling polynomial, highest power first: from the change of the first branch's input to that of the model output.
   * From `fitPolynomial` on the pairs that `createTeaCacheRecorder` gives.
   */
  readonly coefficients: readonly number[];
  /** Predicts while the accumulated change is below this, at least 0. Published: 0.1 to 0.8, by model and speed. */
  readonly threshold: number;
  /** Steps at the start that compute everything, an integer of at least 1. Default 1. */
  readonly firstSteps?: number;
  /** Steps at the end that compute everything, an integer of at least 0. Default 1. */
  readonly lastSteps?: number;
}

/**
 * TeaCache (Liu et al. 2024, arXiv 2411.19108): adds up the changes from step to step, rescaled to what they mean for
 * the model output, and predicts until they reach the threshold.
 *
 * The changes are those of the modulated input of the first block, as in the official code, which then adds what all
 * blocks together added in the last full step; here each branch is predicted by itself, and joins with the gate of its
 * step.
 *
 * @throws {@link InvalidArgumentError} if there is no coefficient, or a number is outside its range.
 */
export function teaCachePolicy(options: TeaCacheOptions): DynamicPolicy {
  const name = 'tea-cache';
  teaCacheDecider({ ...options, steps: 1 });
  return {
    name,
    start: ({ steps }) =>
      decideWholeSteps({
        name,
        watch: { signal: 'input', branch: 0, since: 'last-step' },
        isAlwaysComputed: () => false,
        decideStep: teaCacheDecider({ ...options, steps }),
      }),
  };
}

/** The decisions of TeaCache from the changes alone. @internal */
function teaCacheDecider(options: TeaCacheOptions & { readonly steps: number }): StepDecider {
  const { coefficients, threshold, firstSteps = 1, lastSteps = 1, steps } = options;
  assertThreshold(threshold);
  assertCount({ argument: 'firstSteps', value: firstSteps });
  assertCount({ argument: 'lastSteps', value: lastSteps, least: 0 });
  const areFinite = coefficients.length > 0 && coefficients.every(Number.isFinite);
  assertArgument({ coefficients }, 'at least one number, all finite', areFinite);
  let accumulated = 0;
  return (step, { change = Infinity }) => {
    accumulated += evaluatePolynomial(coefficients, change);
    const middle = step >= firstSteps && step < steps - lastSteps;
    if (middle && accumulated < threshold) return 'predict';
    accumulated = 0;
    return 'compute';
  };
}

/** What TeaCache's polynomial is fitted to: a point for each step but the first of each run. */
export interface TeaCachePairs {
  /** How many runs they are from. */
  readonly runs: number;
  /** Relative L1 change of the first branch's input, norm and modulation applied, since the step before. */
  readonly x: readonly number[];
  /** Relative L1 change of the model output since the step before. */
  readonly y: readonly number[];
}

/** The calibration of TeaCache, for `fitPolynomial`. The model output is worked out once more in each step. */
export function createTeaCacheRecorder(): Recorder<TeaCachePairs> {
  return createStepRecorder({
    createMeasure: (executor) => ({
      keepsOutputs: false,
      async *observe({ before, after }) {
        yield await executor.readStream(before, 0);
        yield await executor.end(after);
      },
      lookback: 1,
      measure: (current, [previous = []]) => comparedWith(previous, current, relativeChange),
    }),
    summarize(runs) {
      const points = runs.flatMap((run) => run.slice(1));
      return {
        runs: runs.length,
        x: points.map(([x]) => x as number),
        y: points.map(([, y]) => y as number),
      };
    },
  });
}

/** How TeaCache is calibrated: a polynomial through the pairs of all runs. */
const calibration = /* @__PURE__ */ calibrationKind({
  method: 'teacache',
  fields: () => ({
    coefficients: z.array(z.number()).min(1),
    rSquared: z.number(),
    samples: z.number().int().positive(),
  }),
  recorder({ degree = 4 }): Recorder<PolynomialFit & { readonly runs: number }> {
    assertCount({ argument: 'degree', value: degree });
    const { cache, recorded } = createTeaCacheRecorder();
    return {
      cache,
      recorded() {
        const { runs, ...pairs } = recorded();
        return { runs, ...fitPolynomial({ ...pairs, degree }) };
      },
    };
  },
});

/** {@link teaCachePolicy} with the polynomial of a calibration. */
export const teaCache = /* @__PURE__ */ cachingMethod({
  name: 'teacache',
  summary: 'TeaCache: steps are predicted until the rescaled changes of the input add up',
  settings: () => ({
    file: fileName(),
    threshold: z.number(),
    firstSteps: wholeNumber().exactOptional(),
    lastSteps: wholeNumber().exactOptional(),
    ...predicting(),
  }),
  firstSetting: 'file',
  calibration,
  async make(settings, context) {
    const { coefficients } = await calibrationIn(settings.file, calibration, context);
    return teaCachePolicy({ ...settings, coefficients });
  },
  origin: calibrationOrigin,
});

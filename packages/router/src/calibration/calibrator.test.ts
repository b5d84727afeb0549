import '@tensorflow/tfjs-backend-cpu';
import {
  createEagerExecutor,
  type Executor,
  fingerprint,
  InvalidArgumentError,
} from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { eulerPlan, sampleTiny } from '../__fixtures__/observed-run.js';
import { cacheMethodOf, policyFrom } from '../policy.js';
import { createProvenance } from '../schedule/provenance.js';
import {
  CALIBRATION_METHODS,
  type Calibration,
  formatCalibration,
  parseCalibration,
} from './calibration.js';
import { createCalibrator } from './calibrator.js';

const STEPS = 8;
const plan = eulerPlan(STEPS);

describe('createCalibrator', () => {
  let executor: Executor;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    executor = createEagerExecutor(createTinyBackbone());
  });
  const settingOf = (steps = STEPS) => ({
    spec: executor.spec,
    plan: eulerPlan(steps),
    modelSha256: fingerprint('tiny'),
    guidance: { scale: 2, channels: 4 },
  });

  it.each(CALIBRATION_METHODS)('makes a file of %s that a policy samples with', async (method) => {
    const setting = settingOf();
    const calibrator = createCalibrator({ method, setting, lookback: 2, degree: 2 });
    for (const seeds of [[1, 2], [3]]) {
      await sampleTiny({ executor, plan, seeds, cache: calibrator.cache });
    }
    const calibration = calibrator.calibration({ training: { images: 3 } });
    const provenance = createProvenance({ ...setting, training: { images: 3 } });
    expect(calibration).toMatchObject({ method, steps: STEPS, branches: 4, runs: 2, provenance });
    expect(parseCalibration(formatCalibration(calibration))).toEqual(calibration);
    const found: { readonly [Method in Calibration['method']]: (each: Calibration) => unknown } = {
      teacache: (each) => each.method === 'teacache' && [each.coefficients.length, each.samples],
      smoothcache: (each) =>
        each.method === 'smoothcache' && each.changes.map((rows) => rows.length),
      magcache: (each) =>
        each.method === 'magcache' && [each.ratios.length, each.branchRatios.length],
    };
    expect(found[method](calibration)).toEqual(
      {
        teacache: [3, 2 * (STEPS - 1)],
        smoothcache: [STEPS - 1, STEPS - 2],
        magcache: [STEPS, STEPS],
      }[method],
    );
    const read = async () => formatCalibration(calibration);
    const policy = await policyFrom(`${method}:found.json,threshold=0.5`, { ...setting, read });
    const { decisions } = await sampleTiny({ executor, plan, cache: cacheMethodOf(policy) });
    expect(decisions.flat()).toContain(false);
  });

  it('refuses a run of one step, numbers outside their range, and a record without a run', () => {
    const one = { method: 'magcache', setting: settingOf(1) } as const;
    expect(() => createCalibrator(one)).toThrow(/steps is 1; expected at least 2/);
    const setting = settingOf();
    expect(() => createCalibrator({ method: 'teacache', setting, degree: 0 })).toThrow(
      InvalidArgumentError,
    );
    expect(() => createCalibrator({ method: 'smoothcache', setting, lookback: 0 })).toThrow(
      InvalidArgumentError,
    );
    for (const method of CALIBRATION_METHODS) {
      const { calibration } = createCalibrator({ method, setting });
      expect(() => calibration()).toThrow(/at least one run that came to its end/);
    }
  });
});

import '@tensorflow/tfjs-backend-cpu';
import {
  type CacheMethod,
  computeAll,
  createEagerExecutor,
  type Executor,
  fingerprint,
  InvalidArgumentError,
} from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eulerPlan, sampleTiny } from '../__fixtures__/observed-run.js';
import { calibrationIn } from '../methods/method.js';
import { type Calibration, registerCachingMethod } from '../methods/table.js';
import { cacheMethodOf, policyFrom } from '../policy.js';
import { createProvenance } from '../schedule/provenance.js';
import { createSchedule } from '../schedule/schedule.js';
import { calibrationKind, formatCalibration } from './calibration.js';
import { calibratedMethods, createCalibrator, parseCalibration } from './calibrator.js';

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

  it.each(calibratedMethods())('makes a file of %s that a policy samples with', async (method) => {
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
    expect(found[method as Calibration['method']](calibration)).toEqual(
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

  it('calibrates a method of a program: one that computes the steps of the largest numbers', async () => {
    const calibration = calibrationKind({
      method: 'largest',
      fields: () => ({ sizes: z.array(z.number()) }),
      recorder() {
        const sizes: number[] = [];
        const cache: CacheMethod = (run, steps) => {
          const runner = computeAll(run);
          return {
            ...runner,
            run(step, stream) {
              sizes[step] = steps - step;
              return runner.run(step, stream);
            },
          };
        };
        return { cache, recorded: () => ({ runs: 1, sizes }) };
      },
    });
    const forget = registerCachingMethod({
      name: 'largest',
      summary: 'the steps of the largest numbers are computed',
      settings: () => ({ file: z.string(), count: z.int() }),
      firstSetting: 'file',
      calibration,
      async make({ file, count }, context) {
        const { sizes } = await calibrationIn(file, calibration, context);
        const least = sizes.toSorted((a, b) => b - a)[count - 1] as number;
        const decisions = sizes.map((size) => context.spec.branches.map(() => size >= least));
        return createSchedule({ decisions });
      },
    });
    expect(calibratedMethods()).toContain('largest');
    const setting = settingOf();
    const calibrator = createCalibrator({ method: 'largest', setting });
    await sampleTiny({ executor, plan, cache: calibrator.cache });
    const text = formatCalibration(calibrator.calibration());
    expect(parseCalibration(text)).toMatchObject({ sizes: [8, 7, 6, 5, 4, 3, 2, 1] });
    const policy = await policyFrom('largest:own.json,count=3', {
      ...setting,
      read: async () => text,
    });
    const { decisions } = await sampleTiny({ executor, plan, cache: cacheMethodOf(policy) });
    expect(decisions.map((row) => row.every(Boolean))).toEqual(
      Array.from({ length: STEPS }, (_, step) => step < 3),
    );
    forget();
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
    for (const method of calibratedMethods()) {
      const { calibration } = createCalibrator({ method, setting });
      expect(() => calibration()).toThrow(/at least one run that came to its end/);
    }
  });
});

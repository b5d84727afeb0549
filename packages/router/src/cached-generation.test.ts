import '@tensorflow/tfjs-backend-cpu';
import {
  createEagerExecutor,
  type Executor,
  generate,
  type PredictorName,
  type SamplerPlan,
} from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { allComputeSchedule } from './all-compute-schedule.js';
import { fixedIntervalSchedule } from './methods/fora.js';
import { predictorByName } from './predictors.js';
import { withCache } from './run/with-cache.js';
import { withPolicy } from './run/with-policy.js';
import { cacheStatistics } from './schedule/cost-model.js';
import { createSchedule } from './schedule/schedule.js';
import { schedulePolicy } from './schedule-policy.js';

const STEPS = 12;
const plan: SamplerPlan = {
  version: 1,
  sampler: 'euler',
  prediction: 'epsilon',
  settings: {},
  initialStd: 1,
  steps: Array.from({ length: STEPS }, (_, step) => ({
    timestep: 10 * (STEPS - 1 - step),
    toPrediction: { x: 0, model: 1 },
    carry: 1,
    history: [-0.02],
    noise: { kind: 'fixed', std: 0 },
  })),
};

describe('sampling with a cache, on the eager executor', () => {
  let executor: Executor;

  beforeAll(async () => {
    await tf.setBackend('cpu');
    executor = createEagerExecutor(createTinyBackbone());
  });

  async function sample(cache?: Parameters<typeof generate>[0]['cache']) {
    const labels = tf.tensor1d([0, 2], 'int32');
    const { latent, decisions } = await generate({
      plan,
      executor,
      condition: { labels },
      seeds: [1, 2],
      guidance: { scale: 2, channels: 4 },
      ...(cache && { cache }),
    });
    const values = await latent.data();
    tf.dispose([latent, labels]);
    return { values, decisions };
  }

  const branches = () => executor.spec.branches;
  const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Math.sqrt(
      Array.from(a).reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0) / a.length,
    );

  it('with an all-compute schedule is the uncached run, bit for bit', async () => {
    const schedule = allComputeSchedule({ steps: STEPS, branches: branches() });
    const cached = await sample(withCache({ schedule }));
    expect(cached.values).toEqual((await sample()).values);
  });

  it.each<PredictorName>(['hold', 'linear', 'quadratic', 'cubic', 'taylor-2', 'taylor-4'])(
    'planned ahead (%s) is the same policy decided on the way, bit for bit',
    async (predictor) => {
      const schedule = fixedIntervalSchedule({
        steps: STEPS,
        branches: branches(),
        interval: { attention: 3, mlp: 2 },
        predictor,
      });
      const planned = await sample(withCache({ schedule }));
      const policy = schedulePolicy({ schedule });
      const decided = await sample(withPolicy({ policy, predictor: predictorByName(predictor) }));
      expect(planned.values).toEqual(decided.values);
      expect(planned.decisions).toEqual(decided.decisions);
      expect(createSchedule({ decisions: planned.decisions, predictor })).toEqual(schedule);
      expect(cacheStatistics({ schedule, branches: branches() }).all.ratio).toBeGreaterThan(0.4);
    },
  );

  it('comes closer to the uncached run the higher the order of the predictor', async () => {
    const { values } = await sample();
    const errors: number[] = [];
    for (const predictor of ['hold', 'linear', 'quadratic'] as const) {
      const schedule = fixedIntervalSchedule({
        steps: STEPS,
        branches: branches(),
        interval: 2,
        align: 'first',
        initialSteps: 3,
        predictor,
      });
      errors.push(distance((await sample(withCache({ schedule }))).values, values));
    }
    const [hold, linear, quadratic] = errors as [number, number, number];
    expect(hold).toBeGreaterThan(1e-4);
    expect(linear).toBeLessThan(hold / 2);
    expect(quadratic).toBeLessThan(linear / 2);
  });

  it('leaves no tensor and no handle behind', async () => {
    const schedule = fixedIntervalSchedule({
      steps: STEPS,
      branches: branches(),
      interval: 3,
      predictor: 'quadratic',
    });
    const before = tf.memory().numTensors;
    await sample(withCache({ schedule }));
    await sample(
      withPolicy({ policy: schedulePolicy({ schedule }), predictor: predictorByName('quadratic') }),
    );
    expect(tf.memory().numTensors).toBe(before);
    expect(executor.liveHandles).toBe(0);
  });
});

import '@tensorflow/tfjs-backend-cpu';
import {
  AbortedError,
  createEagerExecutor,
  type Executor,
  InvalidArgumentError,
} from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { measureCostModel } from './measure-cost-model.js';

/** Advances a clock by what each operation is said to cost, in the given pass (0 is the warm-up). */
function withClock(executor: Executor, costOf: (operation: string, pass: number) => number) {
  let ms = 0;
  let pass = -1;
  const timedExecutor: Executor = {
    ...executor,
    begin(input) {
      pass += 1;
      ms += costOf('begin', pass);
      return executor.begin(input);
    },
    advance(stream, actions) {
      const [action] = actions;
      const predicted = action?.score === 0 ? `predict from ${action.history.length}` : undefined;
      ms += costOf(predicted ?? `compute ${action?.branch}`, pass);
      return executor.advance(stream, actions);
    },
    end(stream) {
      ms += costOf('end', pass);
      return executor.end(stream);
    },
  };
  return { executor: timedExecutor, now: () => ms };
}

describe('measureCostModel', () => {
  let eager: Executor;
  const costs: Readonly<Record<string, number>> = {
    begin: 1,
    'compute 0': 10,
    'compute 1': 20,
    'compute 2': 30,
    'compute 3': 40,
    'predict from 2': 3,
    end: 2,
  };

  beforeAll(async () => {
    await tf.setBackend('cpu');
    eager = createEagerExecutor(createTinyBackbone());
  });

  it('takes medians over the passes after the warm-up and leaves nothing alive', async () => {
    const noise = [100, 1, 7, 1];
    const { executor, now } = withClock(
      eager,
      (operation, pass) => (costs[operation] as number) * (noise[pass] as number),
    );
    const input = inputOf();
    const before = tf.memory().numTensors;
    const cost = await measureCostModel({ executor, input, predictorDepth: 2, repeats: 3, now });
    expect(cost).toEqual({ unit: 'ms', begin: 1, branches: [10, 20, 30, 40], predict: 3, end: 2 });
    expect(eager.liveHandles).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('stops when its caller says so and gives everything back on errors', async () => {
    const input = inputOf();
    const signal = AbortSignal.abort();
    await expect(measureCostModel({ executor: eager, input, signal })).rejects.toThrow(
      AbortedError,
    );
    for (const failing of Object.keys(costs)) {
      const { executor } = withClock(eager, (operation) => {
        if (operation !== failing) return 0;
        throw new InvalidArgumentError({ argument: 'x', value: 1, expected: '2' });
      });
      const run = measureCostModel({ executor, input, predictorDepth: 2, repeats: 1 });
      await expect(run).rejects.toThrow(InvalidArgumentError);
      expect(eager.liveHandles).toBe(0);
    }
  });
});

function inputOf() {
  return {
    latent: tf.ones<tf.Rank.R4>([2, 4, 4, 4]),
    time: 10,
    condition: { labels: tf.tensor1d([0, 1], 'int32') },
  };
}

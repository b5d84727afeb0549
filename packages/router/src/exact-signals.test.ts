import '@tensorflow/tfjs-backend-cpu';
import {
  applyGuidance,
  createEagerExecutor,
  createNoise,
  type Executor,
  executePlan,
  type Stream,
} from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { eulerPlan, sampleTiny } from './__fixtures__/observed-run.js';
import { dualBlockCachePolicy } from './methods/dual-block-cache.js';
import { firstBlockCachePolicy } from './methods/first-block-cache.js';
import { createMagnitudeRecorder } from './methods/mag-cache.js';
import { createTeaCacheRecorder, teaCachePolicy } from './methods/tea-cache.js';
import { holdPredictor } from './predictors.js';
import { withPolicy } from './run/with-policy.js';

const STEPS = 14;
const plan = eulerPlan(STEPS);
const backbone = createTinyBackbone();
const { branches, tokens: size } = backbone.spec;

/** Float32 tensors summed in float64 here and in float32 there. */
const TOLERANCE = 1e-4;

/** What a published method sees in a step: plain numbers. */
interface Seen {
  readonly step: number;
  /** Modulated input of block 0. */
  readonly input: Float32Array;
  /** What block 0 adds. */
  readonly residual: Float32Array;
}

/** A published rule. */
interface Rule {
  /** The first branch that it decides; those before it are always computed. */
  readonly firstFree: number;
  readonly predicts: (seen: Seen) => boolean;
}

const uncached: Rule = { firstFree: 2, predicts: () => false };

/** A sampling run written out with the backbone alone: no executor, no runner, no policy. */
async function plainRun({ firstFree, predicts }: Rule) {
  const noise = createNoise({ seeds: [1], latent: backbone.spec.latent });
  const labels = tf.tensor1d([1, backbone.spec.nullCondition?.labels?.[0] as number], 'int32');
  const held: tf.Tensor[] = [];
  const record = {
    decisions: [] as boolean[][],
    /** What all branches add. */
    whole: [] as Float32Array[],
    inputs: [] as Float32Array[],
    outputs: [] as Float32Array[],
  };
  const denoise = async (latent: tf.Tensor4D, step: { index: number; timestep: number }) =>
    tf.tidy(() => {
      const times = tf.fill([2], step.timestep) as tf.Tensor1D;
      let stream: Stream = backbone.begin(tf.concat([latent, latent], 0), times, { labels });
      const tokens = () => Float32Array.from((stream.state.tokens as tf.Tensor).dataSync());
      const start = tokens();
      const added = () => tokens().map((value, i) => value - (start[i] as number));
      const input = backbone.input(branches[0] as (typeof branches)[number], stream);
      const row: boolean[] = [];
      const join = (from: number, to: number, computes: boolean) => {
        for (const branch of branches.slice(from, to)) {
          if (computes) held[branch.index] = tf.keep(backbone.compute(branch, stream));
          const output = held[branch.index] as tf.Tensor;
          stream = { ...stream, state: backbone.merge(branch, stream, output) };
          row.push(computes);
        }
      };
      record.inputs.push(Float32Array.from(input.dataSync()));
      join(0, firstFree, true);
      const seen = { step: step.index, input: record.inputs.at(-1) as Float32Array };
      join(firstFree, branches.length, !predicts({ ...seen, residual: added() }));
      const output = backbone.end(stream);
      record.decisions.push(row);
      record.whole.push(added());
      record.outputs.push(Float32Array.from(output.dataSync()));
      const guided = applyGuidance({ output, scale: 2, channels: 4 });
      return tf.slice(guided, [0, 0, 0, 0], [1, -1, -1, -1]);
    });
  const sampled = await executePlan({ plan, denoise, latent: noise.initial(), noise });
  return { ...record, values: sampled.dataSync() };
}

const mean = (values: ArrayLike<number>) =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

const relative = (value: Float32Array, base: Float32Array) =>
  mean(value.map((v, i) => Math.abs(v - (base[i] as number)))) / mean(base.map(Math.abs));

function expectSame(a: ArrayLike<number>, b: ArrayLike<number>, tolerance = TOLERANCE): void {
  expect(a.length).toBe(b.length);
  const largest = Math.max(...Array.from(b, Math.abs));
  const error = Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] as number))));
  expect(error / largest).toBeLessThan(tolerance);
}

describe('dynamic policies see what their papers see', () => {
  let executor: Executor;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    executor = createEagerExecutor(backbone);
  });

  /** Labels of `sampleTiny` follow from the seed. */
  const sample = (policy: Parameters<typeof withPolicy>[0]['policy']) =>
    sampleTiny({ executor, plan, cache: withPolicy({ policy, predictor: holdPredictor }) });

  function firstBlock(threshold: number): Rule {
    let previous: Float32Array | undefined;
    const predicts = ({ residual }: Seen) => {
      if (previous && relative(residual, previous) <= threshold) return true;
      previous = residual;
      return false;
    };
    return { firstFree: 2, predicts };
  }

  function dualBlock(threshold: number, warmUp: number): Rule {
    let previous: Float32Array | undefined;
    const predicts = ({ step, residual }: Seen) => {
      if (previous && step >= warmUp && relative(residual, previous) < threshold) return true;
      previous = residual;
      return false;
    };
    return { firstFree: 2, predicts };
  }

  function teaCache(threshold: number, coefficients: readonly number[]): Rule {
    let previous: Float32Array | undefined;
    let accumulated = 0;
    const decides = ({ step, input }: Seen) => {
      let predicts = false;
      if (!previous || step === STEPS - 1) accumulated = 0;
      else {
        const x = relative(input, previous);
        accumulated += coefficients.reduce((value, c) => value * x + c, 0);
        predicts = accumulated < threshold;
        if (!predicts) accumulated = 0;
      }
      previous = input;
      return predicts;
    };
    return { firstFree: 0, predicts: decides };
  }

  const coefficients = [3, -1, 2, 0.01];
  const cases = [
    { policy: firstBlockCachePolicy({ threshold: 0.06 }), rule: firstBlock(0.06) },
    { policy: firstBlockCachePolicy({ threshold: 0.2 }), rule: firstBlock(0.2) },
    {
      policy: dualBlockCachePolicy({ frontBlocks: 1, threshold: 0.15, warmUp: 4 }),
      rule: dualBlock(0.15, 4),
    },
    {
      policy: teaCachePolicy({ coefficients, threshold: 0.4 }),
      rule: teaCache(0.4, coefficients),
    },
  ];

  it.each(cases)('$policy.name decides and samples as a plain loop', async ({ policy, rule }) => {
    const expected = await plainRun(rule);
    const { decisions, values } = await sample(policy);
    const predicted = expected.decisions.filter((row) => row.includes(false)).length;
    expect(predicted).toBeGreaterThan(1);
    expect(predicted).toBeLessThan(STEPS - 2);
    expect(decisions).toEqual(expected.decisions);
    expectSame(values, expected.values);
  });

  it('MagCache is calibrated by what the whole network adds', async () => {
    const { whole } = await plainRun(uncached);
    const recorder = createMagnitudeRecorder();
    await sampleTiny({ executor, plan, cache: recorder.cache });
    const lengths = (tokens: Float32Array) =>
      Array.from({ length: tokens.length / size.width }, (_, i) =>
        Math.hypot(...tokens.subarray(i * size.width, (i + 1) * size.width)),
      );
    const ratios = whole.map((tokens, step) => {
      const before = whole[step - 1];
      if (!before) return 1;
      const base = lengths(before);
      return mean(lengths(tokens).map((length, i) => length / (base[i] as number)));
    });
    expectSame(recorder.recorded().ratios, ratios);
  });

  it('TeaCache is calibrated by the input of block 0 and the model output', async () => {
    const { inputs, outputs } = await plainRun(uncached);
    const recorder = createTeaCacheRecorder();
    await sampleTiny({ executor, plan, cache: recorder.cache });
    const changes = (values: readonly Float32Array[]) =>
      values.slice(1).map((value, i) => relative(value, values[i] as Float32Array));
    const { x, y } = recorder.recorded();
    expectSame(x, changes(inputs));
    expectSame(y, changes(outputs));
  });
});

import type {
  Backbone,
  CacheSchedule,
  Guidance,
  NamedTensors,
  NoiseSource,
  PlanStep,
  SamplerPlan,
} from '@harmonica/core';
import {
  add,
  dispose,
  fill,
  keep,
  mul,
  type Tensor,
  type Tensor4D,
  tensor4d,
  tidy,
  tile,
} from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

export interface ReferenceRunOptions {
  readonly backbone: Backbone;
  readonly plan: SamplerPlan;
  readonly condition: NamedTensors;
  readonly guidance: Guidance;
  readonly noise: NoiseSource;
  readonly schedule: CacheSchedule;
}

/** What was computed of a branch, the latest first. */
type Outputs = { readonly step: number; readonly output: Tensor }[];

/**
 * Cached, guided sampling in one plain loop: both halves of guidance apart, latents in float64, the cache a list of
 * everything that was computed. Shares nothing with the packages but the backbone, the plan and the noise.
 */
export function referenceRun(options: ReferenceRunOptions): Float64Array {
  const { backbone, plan, condition, noise } = options;
  const { height, width, channels } = backbone.spec.latent;
  const drawn = (make: () => Tensor): Float64Array =>
    Float64Array.from(tidy(() => make().dataSync<'float32'>()));
  let x = drawn(() => noise.initial()).map((value) => value * plan.initialStd);
  const batch = x.length / (height * width * channels);
  const halves = [condition, unconditionalOf(options, batch)];
  const caches = halves.map((): Outputs[] => backbone.spec.branches.map(() => []));
  const draws: Float64Array[] = [];
  const predictions: Float64Array[] = [];

  for (const [index, step] of plan.steps.entries()) {
    const latent = tensor4d(Float32Array.from(x), [batch, height, width, channels]);
    const [given, without] = halves.map((half, i) =>
      runModel({ ...options, latent, condition: half, cache: caches[i] as Outputs[], index }),
    ) as [Float64Array, Float64Array];
    latent.dispose();
    const { scale, channels: guidedChannels = 3 } = options.guidance;
    const { outputChannels } = backbone.spec;
    const output = given.map((value, i) => {
      const other = without[i] as number;
      return i % outputChannels < guidedChannels ? other + scale * (value - other) : value;
    });

    const model = (i: number, half = 0): number =>
      output[
        Math.floor(i / channels) * outputChannels + half * channels + (i % channels)
      ] as number;
    const { toPrediction, carry, history } = step;
    predictions.unshift(
      x.map((value, i) => toPrediction.x * value + toPrediction.model * model(i)),
    );
    draws.unshift(drawn(() => noise.step(index)));
    x = x.map((value, i) => {
      const terms = history.map((factor, j) => factor * (predictions[j]?.[i] ?? 0));
      const sum = terms.reduce((a, b) => a + b, carry * value);
      return sum + noiseTerm({ step, draws, i, variance: () => model(i, 1) });
    });
  }
  for (const { output } of caches.flat(2)) output.dispose();
  dispose(halves[1] as Record<string, Tensor>);
  return x;
}

/** A guidance's own unconditional input, or the spec's null condition, for every image. */
function unconditionalOf({ backbone, guidance }: ReferenceRunOptions, batch: number): NamedTensors {
  const { condition, nullCondition } = backbone.spec;
  const entries = condition.map(({ name, shape, dtype }) => {
    const given = guidance.unconditional?.[name];
    if (given) return [name, tile(given, [batch, ...shape.map(() => 1)])];
    const [value = 0] = nullCondition?.[name] ?? [];
    return [name, fill([batch, ...shape], value, dtype)];
  });
  return Object.fromEntries(entries);
}

interface RunModelOptions extends ReferenceRunOptions {
  readonly latent: Tensor4D;
  readonly cache: readonly Outputs[];
  readonly index: number;
}

/** One half of guidance at one step. */
function runModel(options: RunModelOptions): Float64Array {
  const { backbone, plan, latent, condition, cache, index, schedule } = options;
  const output = tidy(() => {
    const time = plan.steps[index]?.timestep as number;
    let stream = backbone.begin(latent, fill([latent.shape[0]], time), condition);
    for (const branch of backbone.spec.branches) {
      const outputs = cache[branch.index] as Outputs;
      const computes = schedule.table[index]?.[branch.index] === '1';
      const joined = computes
        ? keep(backbone.compute(branch, stream))
        : predict(outputs, index, DEGREES[predictorAt(schedule, index)]);
      if (computes) outputs.unshift({ step: index, output: joined });
      stream = { ...stream, state: backbone.merge(branch, stream, joined) };
    }
    return backbone.end(stream).dataSync<'float32'>();
  });
  return Float64Array.from(output);
}

const DEGREES = {
  hold: 0,
  'half-linear': 0.5,
  linear: 1,
  'half-quadratic': 1.5,
  quadratic: 2,
} as const;

type Degree = keyof typeof DEGREES;

function predictorAt({ predictor }: CacheSchedule, index: number): Degree {
  return (typeof predictor === 'string' ? predictor : predictor[index]) as Degree;
}

/** The polynomial through the latest outputs, by Neville's recursion; the mean of two for half a degree. */
function predict(outputs: Outputs, at: number, degree: number): Tensor {
  if (degree % 1 !== 0) {
    const both = [degree - 0.5, degree + 0.5].map((each) => predict(outputs, at, each));
    return mul(add(...(both as [Tensor, Tensor])), 0.5);
  }
  const [first, ...others] = outputs.slice(0, degree + 1) as [Outputs[number], ...Outputs];
  const last = others.at(-1);
  if (!last) return first.output;
  const before = [first, ...others].slice(0, -1);
  const [a, b] = [predict(before, at, degree), predict(others, at, degree)];
  const span = first.step - last.step;
  return add(mul(a, (at - last.step) / span), mul(b, (first.step - at) / span));
}

interface NoiseTermOptions {
  readonly step: PlanStep;
  /** Of all steps so far, the latest first. */
  readonly draws: readonly Float64Array[];
  readonly i: number;
  /** What the model says about its variance, in [-1, 1] between the bounds. */
  readonly variance: () => number;
}

function noiseTerm({ step: { noise }, draws, i, variance }: NoiseTermOptions): number {
  const [now = 0, ...before] = draws.map((draw) => draw[i] as number);
  if (noise.kind === 'learned-range') {
    const share = (variance() + 1) / 2;
    const log = share * noise.maxLogVariance + (1 - share) * noise.minLogVariance;
    return noise.scale * Math.exp(log / 2) * now;
  }
  const earlier = (noise.earlier ?? []).map((factor, j) => factor * (before[j] as number));
  return earlier.reduce((a, b) => a + b, noise.std * now);
}

/** Every value agrees within 1e-5 of the largest. */
export function expectSameLatents(actual: Float64Array, expected: Float64Array): void {
  expect(actual).toHaveLength(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  const errors = actual.map((value, i) => Math.abs(value - (expected[i] as number)));
  expect(Math.max(...errors) / largest).toBeLessThan(1e-5);
}

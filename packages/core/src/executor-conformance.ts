import { dispose, ones, type Tensor, type Tensor4D, tensor } from '@tensorflow/tfjs-core';
import type { Backbone, BackboneSpec, NamedTensors } from './backbone.js';
import { createEagerExecutor } from './eager-executor.js';
import { EngineError } from './errors.js';
import {
  type BranchAction,
  computeAction,
  computeAll,
  type Executor,
  type StreamHandle,
  type ValueHandle,
} from './executor.js';
import { createDenoiser } from './generate.js';
import { createNoise } from './noise.js';
import { createRng } from './rng.js';

/** One thing that every engine must do. `run` throws {@link EngineError} if the engine does not. */
export interface ConformanceCase {
  readonly name: string;
  /** @throws {@link EngineError} if the engine does not do it */
  run(input: ConformanceInput): Promise<void>;
}

/** What a conformance case tests. */
export interface ConformanceInput {
  readonly backbone: Backbone;
  /** Makes the executor under test. It is disposed by the case. */
  readonly createExecutor: (backbone: Backbone) => Executor | Promise<Executor>;
  /** Largest allowed max |a - b| / max |b| against the eager executor. Default 1e-5. */
  readonly tolerance?: number;
}

/**
 * The cases an engine proves itself with, on any backbone, against the eager executor on the current TensorFlow.js
 * backend: full arrays of every stage, blended and predicted branches, gradients, bit-for-bit repeatability, no leaked
 * handle.
 */
export const executorConformance: readonly ConformanceCase[] = [
  { name: 'begin, all branches and end agree', run: (input) => compare(input, wholeModel) },
  {
    name: 'every branch output agrees',
    run: (input) => compare(input, branchOutputs),
  },
  {
    name: 'predicted, blended and mixed branches agree',
    run: (input) => compare(input, blendedBranches),
  },
  { name: 'predicting every branch agrees', run: (input) => compare(input, predictedBranches) },
  { name: 'tokens and what every branch works on agree', run: (input) => compare(input, tokens) },
  { name: 'gradients agree', run: (input) => compare(input, gradients) },
  { name: 'a run repeats bit for bit', run: repeatability },
  { name: 'one call for all branches equals one call for each, bit for bit', run: chunking },
  { name: 'no handle or tensor is leaked', run: leaks },
];

type Probe = (executor: Executor) => Promise<Float32Array[]>;

const SEEDS = [1, 2, 3];

async function compare(input: ConformanceInput, probe: Probe): Promise<void> {
  const { backbone, createExecutor, tolerance = 1e-5 } = input;
  const reference = createEagerExecutor(backbone);
  const expected = await probe(reference);
  await reference.dispose();
  const executor = await createExecutor(backbone);
  const actual = await probe(executor);
  const { engine } = executor;
  await executor.dispose();
  expected.forEach((values, i) => {
    const error = relativeError(actual[i] ?? new Float32Array(), values);
    if (!(error <= tolerance)) {
      fail(
        engine,
        `output ${i} differs from the eager executor by ${error} (allowed ${tolerance})`,
      );
    }
  });
}

async function repeatability({ backbone, createExecutor }: ConformanceInput): Promise<void> {
  const executor = await createExecutor(backbone);
  const [a] = await wholeModel(executor);
  const [b] = await wholeModel(executor);
  assertSameBits(executor.engine, a, b);
  await executor.dispose();
}

async function chunking({ backbone, createExecutor }: ConformanceInput): Promise<void> {
  const executor = await createExecutor(backbone);
  const [a] = await wholeModel(executor);
  const b = await withStream(executor, async (begun) => {
    let stream = begun;
    for (const { index } of executor.spec.branches) {
      const next = await executor.advance(stream, [computeAction(index, false)]);
      if (stream !== begun) executor.release(stream);
      stream = next.stream;
    }
    const output = await values(await executor.end(stream));
    if (stream !== begun) executor.release(stream);
    return output;
  });
  assertSameBits(executor.engine, a, b);
  await executor.dispose();
}

async function leaks(input: ConformanceInput): Promise<void> {
  const executor = await input.createExecutor(input.backbone);
  await wholeModel(executor);
  const before = executor.liveHandles;
  for (const probe of [
    wholeModel,
    branchOutputs,
    blendedBranches,
    predictedBranches,
    tokens,
    gradients,
  ]) {
    await probe(executor);
    if (executor.liveHandles !== before) {
      fail(executor.engine, `${executor.liveHandles - before} handles are left by ${probe.name}`);
    }
  }
  await executor.dispose();
}

async function wholeModel(executor: Executor): Promise<Float32Array[]> {
  return withInputs(executor, async (latent, condition) => {
    const runner = computeAll(executor);
    const denoise = createDenoiser({ executor, runner, condition });
    const timestep = timeOf(executor.spec);
    const output = await denoise(latent, { index: 0, steps: 1, timestep });
    return [await values(output)];
  });
}

async function branchOutputs(executor: Executor): Promise<Float32Array[]> {
  return withStream(executor, async (begun) => {
    const actions = executor.spec.branches.map(({ index }) => computeAction(index, true));
    const { stream, outputs } = await executor.advance(begun, actions);
    const arrays = await readAll(executor, outputs as ValueHandle[]);
    executor.release(stream, ...(outputs as ValueHandle[]));
    return arrays;
  });
}

async function blendedBranches(executor: Executor): Promise<Float32Array[]> {
  return withStream(executor, async (begun) => {
    const count = executor.spec.branches.length;
    const first = await history(executor, begun);
    const patterns = [0, 0.3, 1, 0];
    const actions: BranchAction[] = Array.from({ length: count }, (_, branch) => {
      const score = patterns[branch % patterns.length] as number;
      const depth = (branch % 3) + 1;
      const sources = first.slice(0, depth).map((outputs) => outputs[branch] as ValueHandle);
      const coefficients = [[1], [1.5, -0.5], [2, -1.25, 0.25]][depth - 1] as number[];
      return score === 1
        ? computeAction(branch, true)
        : { branch, score, history: sources, coefficients, keep: score !== 0 };
    });
    const { stream, outputs } = await executor.advance(begun, actions);
    const kept = outputs.filter((value) => value !== undefined);
    const arrays = await readAll(executor, kept);
    arrays.push(await values(await executor.end(stream)));
    executor.release(stream, ...kept, ...first.flat());
    return arrays;
  });
}

async function predictedBranches(executor: Executor): Promise<Float32Array[]> {
  return withStream(executor, async (begun) => {
    const [outputs = [], ...others] = await history(executor, begun);
    const actions = outputs.map((output, branch): BranchAction => {
      return { branch, score: 0, history: [output], coefficients: [1.25], keep: false };
    });
    const { stream } = await executor.advance(begun, actions);
    const array = await values(await executor.end(stream));
    executor.release(stream, ...outputs, ...others.flat());
    return [array];
  });
}

/** At the first branch and after each: the tokens, and before each what it works on. */
async function tokens(executor: Executor): Promise<Float32Array[]> {
  return withStream(executor, async (begun) => {
    const arrays = [await values(await executor.readStream(begun))];
    let stream = begun;
    for (const { index } of executor.spec.branches) {
      arrays.push(await values(await executor.readStream(stream, index)));
      const next = await executor.advance(stream, [computeAction(index, false)]);
      if (stream !== begun) executor.release(stream);
      stream = next.stream;
      arrays.push(await values(await executor.readStream(stream)));
    }
    if (stream !== begun) executor.release(stream);
    return arrays;
  });
}

async function gradients(executor: Executor): Promise<Float32Array[]> {
  return withStream(executor, async (begun) => {
    const cached = await history(executor, begun);
    const streams: StreamHandle[] = [begun];
    const actions = executor.spec.branches.map(({ index }): BranchAction => {
      const score = [0.7, 0, 1, 0.2][index % 4] as number;
      const sources = cached.map((outputs) => outputs[index] as ValueHandle);
      return { branch: index, score, history: sources, coefficients: [2, -1.5, 0.5], keep: false };
    });
    for (const action of actions) {
      const { stream } = await executor.advance(streams.at(-1) as StreamHandle, [action]);
      streams.push(stream);
    }
    const last = streams.at(-1) as StreamHandle;
    const output = await executor.end(last);
    const upstream = ones(output.shape) as Tensor4D;
    let gradient = await executor.endVjp(last, upstream);
    const scores: number[] = [];
    for (const action of actions.toReversed()) {
      const before = streams[action.branch] as StreamHandle;
      const result = await executor.vjp(before, action, gradient);
      executor.release(gradient);
      gradient = result.gradient;
      scores.push(result.scoreGradient);
    }
    const [first] = await readAll(executor, [gradient]);
    dispose([output, upstream]);
    executor.release(gradient, ...streams.slice(1), ...cached.flat());
    return [first as Float32Array, Float32Array.from(scores)];
  });
}

/** Three different outputs of every branch: at the first branch's input, and twice further on. */
async function history(executor: Executor, begun: StreamHandle): Promise<ValueHandle[][]> {
  const actions = executor.spec.branches.map(({ index }) => computeAction(index, true));
  const rows: ValueHandle[][] = [];
  let stream = begun;
  for (let i = 0; i < 3; i++) {
    const next = await executor.advance(stream, actions);
    if (stream !== begun) executor.release(stream);
    stream = next.stream;
    rows.push(next.outputs as ValueHandle[]);
  }
  executor.release(stream);
  return rows;
}

async function withStream<T>(
  executor: Executor,
  use: (stream: StreamHandle) => Promise<T>,
): Promise<T> {
  return withInputs(executor, async (latent, condition) => {
    const stream = await executor.begin({ latent, time: timeOf(executor.spec), condition });
    try {
      return await use(stream);
    } finally {
      executor.release(stream);
    }
  });
}

async function withInputs<T>(
  executor: Executor,
  use: (latent: Tensor4D, condition: NamedTensors) => Promise<T>,
): Promise<T> {
  const latent = createNoise({ seeds: SEEDS, latent: executor.spec.latent }).initial();
  const condition = conditionOf(executor.spec);
  try {
    return await use(latent, condition);
  } finally {
    dispose([latent, ...Object.values(condition)]);
  }
}

/** A model time within what the model knows. */
function timeOf({ process }: BackboneSpec): number {
  return process === 'sit' ? 0.421 : 421;
}

/** Whatever the backbone asks for: normal numbers, and zeros and ones, which are labels as well as masks. */
function conditionOf({ condition }: BackboneSpec): NamedTensors {
  const made = condition.map(({ name, dtype, shape }, stream): [string, Tensor] => {
    const rng = createRng({ seed: 5, stream });
    const full = [SEEDS.length, ...shape];
    const values = new Float32Array(full.reduce((a, b) => a * b));
    if (dtype === 'float32') rng.fillNormal(values);
    else
      values.forEach((_, i) => {
        values[i] = rng.integer(2);
      });
    return [name, tensor(values, full, dtype)];
  });
  return Object.fromEntries(made);
}

async function readAll(
  executor: Executor,
  handles: readonly ValueHandle[],
): Promise<Float32Array[]> {
  const arrays: Float32Array[] = [];
  for (const handle of handles) arrays.push(await values(await executor.read(handle)));
  return arrays;
}

async function values(tensor: Tensor): Promise<Float32Array> {
  const data = Float32Array.from(await tensor.data());
  tensor.dispose();
  return data;
}

function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let size = 0;
  expected.forEach((value, i) => {
    difference = Math.max(difference, Math.abs((actual[i] as number) - value));
    size = Math.max(size, Math.abs(value));
  });
  return size === 0 ? difference : difference / size;
}

function assertSameBits(engine: string, a?: Float32Array, b?: Float32Array): void {
  if (!a || !b || a.length !== b.length || a.some((value, i) => !Object.is(value, b[i]))) {
    fail(engine, 'two runs that must be equal differ');
  }
}

function fail(engine: string, problem: string): never {
  throw new EngineError({ engine, operation: 'a conformance case', cause: new Error(problem) });
}

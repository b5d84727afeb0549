import '@tensorflow/tfjs-backend-cpu';
import {
  pixartConfig,
  randomPixart,
  randomSit,
  randomUvit,
  sitConfig,
  uvitConfig,
} from '@harmonica/backbones';
import {
  type Backbone,
  type BranchAction,
  computeAction,
  createEagerExecutor,
  DisposedError,
  type Executor,
  InvalidArgumentError,
  ShapeError,
  type StreamHandle,
  type ValueHandle,
} from '@harmonica/core';
import { createTinyBackbone, executorConformance } from '@harmonica/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectClose } from '../test/close.js';
import { smallDit } from '../test/small-dit.js';
import { compileFunction } from './compile-function.js';
import { createNativeRuntime } from './native-runtime.js';
import { createOnnxExecutor } from './onnx-executor.js';
import type { OrtRuntime } from './ort.js';

/** PixArt-alpha with the size of the image as a condition. */
const alpha = (): Backbone => {
  const size = { depth: 1, hiddenSize: 24, heads: 2, inputSize: 4 };
  const caption = { captionTokens: 3, captionChannels: 6 };
  return randomPixart({
    config: pixartConfig('PixArt-XL-2-1024-MS', { ...size, ...caption }),
    seed: 3,
  });
};

/** PixArt-Sigma whose second block compresses keys and values. */
const sigma = (): Backbone => {
  const size = { depth: 2, hiddenSize: 16, heads: 2, inputSize: 8 };
  const caption = { captionTokens: 3, captionChannels: 6 };
  const kvCompression = { factor: 2, blocks: [1] };
  return randomPixart({
    config: pixartConfig('PixArt-Sigma-XL-2-1024-MS', { ...size, ...caption, kvCompression }),
    seed: 3,
  });
};

const sit = (): Backbone =>
  randomSit({
    config: sitConfig('SiT-S/2', {
      depth: 1,
      hiddenSize: 16,
      heads: 2,
      inputSize: 4,
      numClasses: 3,
    }),
    seed: 3,
  });

/** With two long skips, so that one is read before the other. */
const uvit = (): Backbone =>
  randomUvit({
    config: uvitConfig('imagenet256_uvit_large', {
      depth: 4,
      hiddenSize: 16,
      heads: 2,
      inputSize: 4,
      numClasses: 3,
    }),
    seed: 3,
  });

await tf.setBackend('cpu');

/** A tiny backbone whose merge is not linear in the branch's output, and whose branch uses a cumulative sum. */
function crookedBackbone(): Backbone {
  const tiny = createTinyBackbone(11);
  return {
    ...tiny,
    compute: (branch, stream) => tf.cumsum(tiny.compute(branch, stream), 2),
    merge: (branch, stream, output) => tiny.merge(branch, stream, tf.tanh(output)),
  };
}

/** A U-ViT whose branches use a cumulative sum: on the way back, most of its state is not reached. */
function crookedUvit(): Backbone {
  const own = uvit();
  return { ...own, compute: (branch, stream) => tf.cumsum(own.compute(branch, stream), 2) };
}

/** A runtime that remembers what it was asked for. */
function spyRuntime() {
  const sessions: ort.InferenceSession[] = [];
  const feeds: Record<string, ort.Tensor>[] = [];
  const arrays = new Set<unknown>();
  const runtime: OrtRuntime = {
    InferenceSession: {
      create: async (...args: unknown[]) => {
        const session = await (
          ort.InferenceSession.create as (...a: unknown[]) => Promise<ort.InferenceSession>
        )(...args);
        const run = session.run.bind(session);
        session.run = ((given: Record<string, ort.Tensor>, ...rest: never[]) => {
          feeds.push(given);
          return (run as (...a: unknown[]) => Promise<never>)(given, ...rest);
        }) as never;
        sessions.push(session);
        return session;
      },
    } as OrtRuntime['InferenceSession'],
    Tensor: new Proxy(ort.Tensor, {
      construct(target, args: [string, { length: number }, number[]]) {
        if (args[1].length >= 256) arrays.add(args[1]);
        return new target(...(args as unknown as ConstructorParameters<typeof ort.Tensor>));
      },
    }) as never,
  };
  return { runtime, sessions, feeds, largeArrays: () => arrays.size };
}

async function begin(executor: Executor, batch = 2): Promise<StreamHandle> {
  const { height, width, channels } = executor.spec.latent;
  const size = batch * height * width * channels;
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
  const latent = tf.tensor4d(values, [batch, height, width, channels]);
  const labels = tf.tensor1d(new Int32Array(batch).fill(1), 'int32');
  const stream = await executor.begin({ latent, time: 250, condition: { labels } });
  tf.dispose([latent, labels]);
  return stream;
}

/** Every output of every branch at the first state. */
async function outputsOf(executor: Executor, stream: StreamHandle): Promise<ValueHandle[]> {
  const actions = executor.spec.branches.map(({ index }) => computeAction(index, true));
  const result = await executor.advance(stream, actions);
  executor.release(result.stream);
  return result.outputs as ValueHandle[];
}

/** The same with a call for each branch. */
async function outputsOneByOne(executor: Executor, begun: StreamHandle): Promise<ValueHandle[]> {
  const all: ValueHandle[] = [];
  let stream = begun;
  for (const { index } of executor.spec.branches) {
    const result = await executor.advance(stream, [computeAction(index, true)]);
    if (stream !== begun) executor.release(stream);
    stream = result.stream;
    all.push(...(result.outputs as ValueHandle[]));
  }
  executor.release(stream);
  return all;
}

const backbones = [
  { name: 'tiny', create: createTinyBackbone, cases: executorConformance },
  { name: 'DiT', create: smallDit, cases: executorConformance },
  { name: 'SiT', create: sit, cases: executorConformance },
  { name: 'PixArt-alpha', create: alpha, cases: executorConformance },
  { name: 'PixArt-Sigma', create: sigma, cases: executorConformance },
  { name: 'U-ViT', create: uvit, cases: executorConformance },
  {
    name: 'a backbone without compact derivatives',
    create: crookedBackbone,
    cases: executorConformance.filter(({ name }) => name === 'gradients agree'),
  },
  {
    name: 'a U-ViT without compact derivatives',
    create: crookedUvit,
    cases: executorConformance.filter(({ name }) => name === 'gradients agree'),
  },
];

describe.each(backbones)('conformance of $name', ({ create, cases }) => {
  let backbone: Backbone;
  beforeAll(() => {
    backbone = create();
  });
  afterAll(() => backbone.dispose());

  it.each(cases)('$name', async ({ run }) => {
    const before = tf.memory().numTensors;
    const createExecutor = (b: Backbone) => createOnnxExecutor({ backbone: b, threads: 1 });
    await expect(run({ backbone, createExecutor })).resolves.toBeUndefined();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('conformance through the binding of onnxruntime-node, where koffi is not installed', () => {
  it.each(executorConformance)('$name', async ({ run }) => {
    const backbone = smallDit();
    const createExecutor = (b: Backbone) =>
      createOnnxExecutor({ backbone: b, threads: 1, runtime: ort });
    await expect(run({ backbone, createExecutor })).resolves.toBeUndefined();
    backbone.dispose();
  });
});

/** Whether this machine has a device that ONNX Runtime takes. */
async function runsOn(provider: 'webgpu' | 'cuda'): Promise<boolean> {
  const twice = compileFunction((a: tf.Tensor) => tf.mul(a, 2), { executionProviders: [provider] });
  try {
    (await twice(tf.tensor1d([1]))).dispose();
    return true;
  } catch {
    return false;
  } finally {
    await twice.dispose();
  }
}

/** ONNX Runtime as it runs on CUDA, with the memory of the CPU for that of the GPU. */
async function withoutGpu(): Promise<OrtRuntime> {
  const { Tensor, InferenceSession } = await createNativeRuntime();
  const create: typeof InferenceSession.create = (model, options) =>
    InferenceSession.create(model, { ...options, executionProviders: ['cpu'] });
  return { Tensor, InferenceSession: { create } };
}

describe('conformance where results stay on a device', () => {
  it.each(executorConformance)('$name', async ({ run }) => {
    const backbone = smallDit();
    const runtime = await withoutGpu();
    const createExecutor = (b: Backbone) =>
      createOnnxExecutor({ backbone: b, runtime, executionProviders: ['cuda'] });
    await expect(run({ backbone, createExecutor, tolerance: 1e-5 })).resolves.toBeUndefined();
    backbone.dispose();
  });
});

for (const [provider, tolerance] of [
  ['cuda', 1e-5],
  ['webgpu', 1e-4],
] as const) {
  describe.runIf(await runsOn(provider))(`conformance on ${provider}`, () => {
    it.each(executorConformance)('$name', async ({ run }) => {
      const backbone = smallDit();
      const createExecutor = (b: Backbone) =>
        createOnnxExecutor({ backbone: b, executionProviders: [provider] });
      await expect(run({ backbone, createExecutor, tolerance })).resolves.toBeUndefined();
      backbone.dispose();
    });
  });
}

describe('createOnnxExecutor', () => {
  let backbone: Backbone;
  beforeAll(() => {
    backbone = smallDit();
  });
  afterAll(() => backbone.dispose());

  it('shares sessions between blocks and batch sizes', async () => {
    const { runtime, sessions } = spyRuntime();
    const executor = await createOnnxExecutor({ backbone, threads: 1, runtime });
    for (const batch of [2, 5]) {
      const stream = await begin(executor, batch);
      const outputs = await outputsOneByOne(executor, stream);
      const end = await executor.end(stream);
      expect(end.shape).toEqual([batch, 4, 4, 8]);
      end.dispose();
      executor.release(stream, ...outputs);
    }
    // begin, attention, mlp, end
    expect(sessions).toHaveLength(4);
    await executor.dispose();
  });

  it('runs neighbouring branches in one session if they are computed alike', async () => {
    const { runtime, feeds } = spyRuntime();
    const executor = await createOnnxExecutor({ backbone, threads: 1, runtime });
    const stream = await begin(executor);
    const runsWith = async (keep: readonly boolean[]) => {
      const before = feeds.length;
      const actions = keep.map((kept, branch) => computeAction(branch, kept));
      const { stream: next, outputs } = await executor.advance(stream, actions);
      expect(outputs.map((output) => output !== undefined)).toEqual(keep);
      executor.release(next, ...outputs.filter((output) => output !== undefined));
      return feeds.length - before;
    };
    expect(await runsWith([true, true, true, true])).toBe(1);
    expect(await runsWith([false, false, false, false])).toBe(1);
    expect(await runsWith([true, true, false, true])).toBe(3);
    executor.release(stream);
    await executor.dispose();
  });

  it('copies no state that a branch passes on', async () => {
    const { runtime, sessions } = spyRuntime();
    const own = uvit();
    const executor = await createOnnxExecutor({ backbone: own, threads: 1, runtime });
    const stream = await begin(executor);
    const outputs = await outputsOneByOne(executor, stream);
    // The tokens, and the output of the branch; two skips are shared. Equal branches share a session.
    const results = sessions.map(({ outputNames }) => outputNames.length);
    const [first, ...branches] = results;
    expect(first).toBe(1);
    expect(branches).toEqual(branches.map(() => 2));
    expect(branches.length).toBeLessThan(own.spec.branches.length);
    executor.release(stream, ...outputs);
    expect(executor.liveHandles).toBe(0);
    await executor.dispose();
    own.dispose();
  });

  it('gives the same numbers at every batch size', async () => {
    const executor = await createOnnxExecutor({ backbone, threads: 1 });
    const [whole, part] = await Promise.all([begin(executor, 4), begin(executor, 2)]);
    const results: Float32Array[] = [];
    for (const stream of [whole, part]) {
      const outputs = await outputsOf(executor, stream);
      const last = await executor.read(outputs.at(-1) as ValueHandle);
      results.push((await last.data()) as Float32Array);
      last.dispose();
      executor.release(stream, ...outputs);
    }
    const [all, half] = results as [Float32Array, Float32Array];
    expectClose(half, all.subarray(0, half.length), 1e-6);
    await executor.dispose();
  });

  it('feeds the weights from the arrays of the cpu backend', async () => {
    const write = vi.spyOn(tf.backend(), 'write');
    const own = smallDit();
    const stored = new Set<unknown>(write.mock.calls.map(([values]) => values));
    write.mockRestore();
    const { runtime, feeds } = spyRuntime();
    const executor = await createOnnxExecutor({ backbone: own, threads: 1, runtime });
    const stream = await begin(executor);
    executor.release(stream, ...(await outputsOf(executor, stream)));
    const weights = feeds.flatMap((given) =>
      Object.entries(given).filter(([name]) => name.startsWith('weight')),
    );
    expect(weights.length).toBeGreaterThan(20);
    for (const [, { data }] of weights) expect(stored.has(data)).toBe(true);
    await executor.dispose();
    own.dispose();
  });

  it('allocates nothing large once it is running', async () => {
    const { runtime, largeArrays } = spyRuntime();
    const executor = await createOnnxExecutor({ backbone, threads: 1, runtime });
    const step = async (): Promise<void> => {
      const stream = await begin(executor, 8);
      const outputs = await outputsOf(executor, stream);
      const actions = outputs.map(
        (output, branch): BranchAction => ({
          branch,
          score: branch % 2 === 0 ? 0 : 0.5,
          history: [output],
          weights: [0.5],
          keep: false,
        }),
      );
      const { stream: after } = await executor.advance(stream, actions);
      executor.release(stream, after, ...outputs);
    };
    await step();
    await step();
    const before = largeArrays();
    await step();
    // The latent alone comes from outside.
    expect(largeArrays() - before).toBe(1);
    expect(executor.liveHandles).toBe(0);
    await executor.dispose();
  });

  it('predicts from any number of outputs, also more than lie side by side', async () => {
    const [eager, onnx] = [
      createEagerExecutor(backbone),
      await createOnnxExecutor({ backbone, threads: 1 }),
    ];
    const results: Float32Array[] = [];
    for (const executor of [eager, onnx]) {
      const stream = await begin(executor);
      const history: ValueHandle[] = [];
      let current = stream;
      for (let i = 0; i < 6; i++) {
        const next = await executor.advance(current, [computeAction(0, true)]);
        if (current !== stream) executor.release(current);
        current = next.stream;
        history.push(next.outputs[0] as ValueHandle);
      }
      const weights = [0.5, -0.25, 1, 0.125, -1, 2];
      const action = { branch: 0, score: 0, history, weights, keep: true };
      const { stream: after, outputs } = await executor.advance(stream, [action]);
      const output = await executor.read(outputs[0] as ValueHandle);
      results.push((await output.data()) as Float32Array);
      output.dispose();
      executor.release(stream, current, after, ...history, outputs[0] as ValueHandle);
      expect(executor.liveHandles).toBe(0);
      await executor.dispose();
    }
    expectClose(results[1] ?? [], results[0] ?? [], 1e-5);
  });

  it('carries a stream through no branch', async () => {
    const executor = await createOnnxExecutor({ backbone, threads: 1 });
    const stream = await begin(executor);
    const { stream: same } = await executor.advance(stream, []);
    executor.release(stream);
    const output = await executor.end(same);
    expect((await output.data()).every(Number.isFinite)).toBe(true);
    output.dispose();
    executor.release(same);
    expect(executor.liveHandles).toBe(0);
    await executor.dispose();
  });

  it('refuses what it cannot run, and holds nothing back', async () => {
    const executor = await createOnnxExecutor({ backbone, threads: 1 });
    const stream = await begin(executor);
    const predict = { branch: 1, score: 0, history: [], weights: [], keep: false };
    await expect(
      executor.advance(stream, [computeAction(0, true), predict]),
    ).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(executor.advance(stream, [computeAction(99, false)])).rejects.toThrow(
      /branch is 99; expected a branch index in \[0, 3\]/,
    );
    expect(executor.liveHandles).toBe(1);
    const latent = tf.zeros([2, 4, 4, 3]) as tf.Tensor4D;
    const labels = tf.tensor1d([0, 1], 'int32');
    const input = { latent, time: 1, condition: { labels } };
    await expect(executor.begin(input)).rejects.toBeInstanceOf(ShapeError);
    tf.dispose([latent, labels]);
    executor.release(stream, stream);
    await expect(executor.end(stream)).rejects.toBeInstanceOf(DisposedError);
    expect(executor.liveHandles).toBe(0);
    await executor.dispose();
  });

  it('refuses work after dispose', async () => {
    const executor = await createOnnxExecutor({ backbone, threads: 1 });
    const stream = await begin(executor);
    await executor.dispose();
    await executor.dispose();
    expect(executor.liveHandles).toBe(0);
    await expect(executor.advance(stream, [])).rejects.toBeInstanceOf(DisposedError);
    await expect(begin(executor)).rejects.toBeInstanceOf(DisposedError);
  });

  it('names itself', async () => {
    const executor = await createOnnxExecutor({ backbone, threads: 1 });
    expect(executor.engine).toBe('onnx (cpu, 1 threads)');
    await executor.dispose();
  });
});

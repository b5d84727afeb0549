import { type Backbone, computeAction, createRng, type Executor } from '@harmonica/core';
import { latencyRatio, measureInterleaved } from '@harmonica/metrics';
import {
  type Architecture,
  createExecutor,
  type Model,
  randomModel,
  selectBackend,
} from '@harmonica/pipeline';
import { dispose, setBackend, type Tensor, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';

/** How much faster the compiled branch is. */
export interface BranchTiming {
  readonly kind: string;
  readonly what: 'forward' | 'vjp';
  readonly wasmMs: number;
  readonly onnxMs: number;
  /** Median of the ratios of interleaved rounds. */
  readonly ratio: number;
}

/** Options of {@link branchBench}. */
export interface BranchBenchOptions {
  readonly architecture: Architecture;
  /** Samples, the halves of guidance included. */
  readonly batch: number;
  readonly repeats: number;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Times the first branch of each kind of a model with random weights, forward and vector-Jacobian product, on
 * tfjs-wasm and compiled by ONNX Runtime, in turns.
 */
export async function branchBench(options: BranchBenchOptions): Promise<readonly BranchTiming[]> {
  const wasm = await startEngine('wasm', options);
  try {
    const onnx = await startEngine('onnx', options);
    try {
      return await timeBranches(wasm, onnx, options);
    } finally {
      await onnx.dispose();
    }
  } finally {
    await wasm.dispose();
  }
}

interface Engine {
  readonly backbone: Backbone;
  run(what: BranchTiming['what'], branch: number): Promise<void>;
  dispose(): Promise<void>;
}

async function timeBranches(
  wasm: Engine,
  onnx: Engine,
  { repeats, signal }: BranchBenchOptions,
): Promise<readonly BranchTiming[]> {
  const { branches } = wasm.backbone.spec;
  const timings: BranchTiming[] = [];
  for (const kind of new Set(branches.map((branch) => branch.kind))) {
    const branch = branches.find((candidate) => candidate.kind === kind)?.index ?? 0;
    for (const what of ['forward', 'vjp'] as const) {
      const [a, b] = await measureInterleaved({
        runs: [() => wasm.run(what, branch), () => onnx.run(what, branch)],
        repeats,
        warmup: 1,
        signal,
      });
      const ratio = latencyRatio(a, b).median;
      timings.push({ kind, what, wasmMs: a.median, onnxMs: b.median, ratio });
    }
  }
  return timings;
}

/** A random model on an engine, with a stream to run branches on. */
async function startEngine(name: 'wasm' | 'onnx', options: BranchBenchOptions): Promise<Engine> {
  const { architecture, batch, threads } = options;
  const backend = await selectBackend({ name, threads });
  const model = randomModel(architecture);
  const { backbone } = model;
  const executor = await createExecutor({ backbone, backend });
  const { stream, gradient } = await startStream(model, executor, batch);
  return {
    backbone,
    async run(what, branch) {
      await setBackend(backend.tensors);
      const action = computeAction(branch, false);
      if (what === 'forward') executor.release((await executor.advance(stream, [action])).stream);
      else executor.release((await executor.vjp(stream, action, gradient)).gradient);
    },
    async dispose() {
      await setBackend(backend.tensors);
      executor.release(stream, gradient);
      await executor.dispose();
      model.dispose();
    },
  };
}

async function startStream({ conditions, process }: Model, executor: Executor, batch: number) {
  const { height, width, channels } = executor.spec.latent;
  const latent = normal([batch, height, width, channels], 2);
  const upstream = normal([batch, height, width, executor.spec.outputChannels], 3);
  const condition = conditions.condition(
    Array.from({ length: batch }, (_, i) => i % conditions.count),
  );
  const time = process.kind === 'sit' ? 0.5 : 500;
  const stream = await executor.begin({ latent, time, condition });
  const gradient = await executor.endVjp(stream, upstream);
  dispose([latent, upstream, ...Object.values(condition)] as Tensor[]);
  return { stream, gradient };
}

function normal(shape: Tensor4D['shape'], seed: number): Tensor4D {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  return tensor4d(createRng({ seed }).fillNormal(values), shape);
}

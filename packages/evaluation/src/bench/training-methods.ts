import { throwIfAborted } from '@harmonica/core';
import { summarize } from '@harmonica/metrics';
import {
  type CompiledEncoder,
  createImageEncoder,
  type Pipeline,
  type RunSetting,
  trainingInputs,
} from '@harmonica/pipeline';
import { createProvenance } from '@harmonica/router';
import {
  assertTrainable,
  type DrawLatents,
  l2cConfig,
  paperConfig,
  type TrainingConfig,
  trainRouter,
} from '@harmonica/sdt';
import { randomUniform, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import { peakMemoryBytes } from './memory.js';

/** Learning-to-Cache, SDT with its loss, and HarmoniCa. */
export const TRAINING_METHODS = ['l2c', 'sdt', 'harmonica'] as const;

export type TrainingMethod = (typeof TRAINING_METHODS)[number];

/** Options of {@link trainOnce}. */
export interface TrainOnceOptions {
  readonly method: TrainingMethod;
  readonly pipeline: Pick<Pipeline, 'executor' | 'model'>;
  /** Of DDIM with an even number of steps. */
  readonly setting: Pick<RunSetting, 'plan' | 'guidance'>;
  /** Images of a trajectory. Learning-to-Cache takes as many samples as the model then runs on, guidance included. */
  readonly batchSize: number;
  /** Of the config: as many samples at a time for every method. */
  readonly microBatch?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Trains for one trajectory of T - 1 updates or T / 2 pairs, HarmoniCa with the refresh of lambda before it. Latents are
 * random: what they are changes no time.
 */
export async function trainOnce(options: TrainOnceOptions): Promise<void> {
  const { pipeline, setting, signal } = options;
  const { executor, model } = pipeline;
  const { plan, guidance } = setting;
  const config = configOf(options);
  const { batchSize } = config;
  const { spec } = executor;
  const inputs = trainingInputs({ conditions: model.conditions, guidance, batchSize });
  const { height, width, channels } = spec.latent;
  const drawLatents: DrawLatents = (rng, size) => {
    const values = rng.fillNormal(new Float32Array(size * height * width * channels));
    const latent = tensor4d(values, [size, height, width, channels]);
    return { latent, condition: inputs.drawCondition(rng, size) };
  };
  await trainRouter({
    executor,
    plan,
    config,
    drawLatents,
    ...inputs,
    provenance: createProvenance({ spec, modelSha256: model.sha256, plan, guidance }),
    ...(signal && { signal }),
  }).finally(() => inputs.dispose());
}

/** Peak memory of a process, which trained by one method and did nothing else. */
export interface MethodMemory {
  readonly method: TrainingMethod;
  readonly peakBytes: number;
}

/** {@link trainOnce}, and the peak memory of this process after it. */
export async function methodMemory(options: TrainOnceOptions): Promise<MethodMemory> {
  await trainOnce(options);
  return { method: options.method, peakBytes: peakMemoryBytes() };
}

/** What training by one method costs. */
export interface MethodCost {
  readonly method: TrainingMethod;
  /** Samples of an update, the halves of guidance included. */
  readonly samples: number;
  /** Of one update, with its share of a refresh of lambda. Median over rounds. */
  readonly updateMs: number;
  /** Of the real images of one update, encoded one at a time. Absent where the model has no autoencoder. */
  readonly encodingMs?: number;
  /** Over Learning-to-Cache in the same round, without encoding. Median. */
  readonly overL2c: number;
  /** The same with encoding. */
  readonly overL2cEncoding?: number;
  /** For {@link UPDATES} updates. */
  readonly images: number;
  readonly peakBytes: number;
}

/** Updates that methods are compared over: those of HarmoniCa's recipe. */
export const UPDATES = paperConfig.iterations;

/** Options of {@link trainingMethodsBench}. */
export interface TrainingMethodsBenchOptions extends Omit<TrainOnceOptions, 'method'> {
  readonly pipeline: Pick<Pipeline, 'executor' | 'model' | 'backend'>;
  /** Runs {@link methodMemory} in a fresh process. */
  readonly probe: (method: TrainingMethod) => Promise<MethodMemory>;
  readonly repeats: number;
}

/**
 * Times the three methods in turns, after a round that is not timed, and reads the peak memory of each in a process of its
 * own. An update of HarmoniCa is one of SDT and its share of the refresh that its run has more.
 *
 * @throws {@link InvalidArgumentError}, {@link IncompatibleError} if the plan cannot be trained by Learning-to-Cache
 */
export async function trainingMethodsBench(
  options: TrainingMethodsBenchOptions,
): Promise<readonly MethodCost[]> {
  const { pipeline, setting, probe, repeats, signal } = options;
  const { executor } = pipeline;
  const { plan } = setting;
  assertTrainable({ executor, plan, config: l2cConfig });
  const rounds: Round[] = [];
  const { encoder } = pipeline.model;
  const compiled = encoder && createImageEncoder({ encoder, backend: pipeline.backend });
  try {
    for (let round = -1; round < repeats; round++) {
      const timed = await timeRound({ ...options, reversed: round % 2 === 0, encoder: compiled });
      if (round >= 0) rounds.push(timed);
    }
  } finally {
    await compiled?.dispose();
  }
  const costs: MethodCost[] = [];
  for (const method of TRAINING_METHODS) {
    throwIfAborted(signal, 'The measurement');
    const { peakBytes } = await probe(method);
    costs.push({ ...costOf(options, method, rounds), peakBytes });
  }
  return costs;
}

/** Of one round: ms of an update of each method, and of encoding the images of one. */
interface Round extends Readonly<Record<TrainingMethod, number>> {
  readonly encoding?: number;
}

async function timeRound(
  options: TrainingMethodsBenchOptions & {
    readonly reversed: boolean;
    readonly encoder: CompiledEncoder | undefined;
  },
): Promise<Round> {
  const { setting, reversed, encoder, signal } = options;
  const steps = setting.plan.steps.length;
  const ms: Record<TrainingMethod, number> = { l2c: 0, sdt: 0, harmonica: 0 };
  for (const method of reversed ? TRAINING_METHODS.toReversed() : TRAINING_METHODS) {
    throwIfAborted(signal, 'The measurement');
    ms[method] = await time(() => trainOnce({ ...options, method }));
  }
  const sdt = ms.sdt / (steps - 1);
  const refresh = Math.max(0, ms.harmonica - ms.sdt) / paperConfig.refreshEvery;
  const one = encoder && (await timeEncoding(encoder));
  return {
    l2c: ms.l2c / (steps / 2),
    sdt,
    harmonica: sdt + refresh,
    ...(one !== undefined && { encoding: one * samplesOf(setting, options.batchSize) }),
  };
}

function costOf(
  options: TrainingMethodsBenchOptions,
  method: TrainingMethod,
  rounds: readonly Round[],
): Omit<MethodCost, 'peakBytes'> {
  const median = (of: (round: Round) => number) => summarize(rounds.map(of)).median;
  const encodes = rounds.some(({ encoding }) => encoding !== undefined);
  const encodingOf = ({ encoding = 0 }: Round) => (method === 'l2c' ? encoding : 0);
  const samples = samplesOf(options.setting, options.batchSize);
  return {
    method,
    samples,
    updateMs: median((round) => round[method]),
    ...(encodes && method === 'l2c' && { encodingMs: median(encodingOf) }),
    overL2c: median((round) => round[method] / round.l2c),
    ...(encodes && {
      overL2cEncoding: median(
        (round) => (round[method] + encodingOf(round)) / (round.l2c + (round.encoding ?? 0)),
      ),
    }),
    images: method === 'l2c' ? UPDATES * samples : 0,
  };
}

function configOf({ method, setting, ...options }: TrainOnceOptions): TrainingConfig {
  const { batchSize, microBatch } = options;
  const steps = setting.plan.steps.length;
  if (method === 'l2c') {
    const samples = samplesOf(setting, batchSize);
    return { ...l2cConfig, batchSize: samples, microBatch, iterations: steps / 2 };
  }
  const config = { ...paperConfig, batchSize, microBatch, iterations: steps - 1 };
  return method === 'sdt' ? { ...config, proxy: 'uniform' } : config;
}

/** What the model runs on for so many images. */
function samplesOf({ guidance }: TrainOnceOptions['setting'], images: number): number {
  return guidance ? 2 * images : images;
}

async function timeEncoding({ image, encode }: CompiledEncoder): Promise<number> {
  const input: Tensor4D = randomUniform([1, image.height, image.width, 3], -1, 1, 'float32', 1);
  const ms = await time(async () => {
    const output = await encode(input);
    await output.data();
    output.dispose();
  });
  input.dispose();
  return ms;
}

async function time(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

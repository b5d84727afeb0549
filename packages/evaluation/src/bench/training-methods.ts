import { throwIfAborted } from '@harmonica/core';
import { measureInterleaved, summarize } from '@harmonica/metrics';
import { type CompiledEncoder, createImageEncoder, type Pipeline } from '@harmonica/pipeline';
import { assertTrainable, l2cConfig, paperConfig } from '@harmonica/sdt';
import { randomUniform, type Tensor4D } from '@tensorflow/tfjs-core';
import {
  type MemoryProbe,
  type MemoryProbeOptions,
  samplesOf,
  TRAINING_METHODS,
  type TrainingMethod,
  trainOnce,
} from './probe.js';

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
  /** Real images that the 20,000 updates of HarmoniCa's recipe take. */
  readonly images: number;
  readonly peakBytes: number;
}

/** Updates that methods are compared over: those of HarmoniCa's recipe. */
export const UPDATES = paperConfig.iterations;

/** Options of {@link trainingMethodsBench}. */
export interface TrainingMethodsBenchOptions
  extends Omit<MemoryProbeOptions, 'mode' | 'predictor'> {
  readonly pipeline: Pick<Pipeline, 'executor' | 'model' | 'backend'>;
  /** Runs `memoryProbe` in a fresh process. */
  readonly probe: (method: TrainingMethod) => Promise<Pick<MemoryProbe, 'peakBytes'>>;
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
  const { pipeline, setting, probe, signal } = options;
  const { executor } = pipeline;
  const { plan } = setting;
  assertTrainable({ executor, plan, config: l2cConfig });
  const { encoder } = pipeline.model;
  const compiled = encoder && createImageEncoder({ encoder, backend: pipeline.backend });
  const rounds = await timeRounds(options, compiled).finally(() => compiled?.dispose());
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
  readonly encoding?: number | undefined;
}

async function timeRounds(
  options: TrainingMethodsBenchOptions,
  encoder: CompiledEncoder | undefined,
): Promise<readonly Round[]> {
  const { setting, batchSize, repeats, signal } = options;
  const train = TRAINING_METHODS.map((mode) => () => trainOnce({ ...options, mode }));
  const encode = encoder ? [() => encodeOne(encoder)] : [];
  const runs = [...train, ...encode];
  const timed = await measureInterleaved({ runs, repeats, signal });
  const samples = samplesOf(setting, batchSize);
  const steps = setting.plan.steps.length;
  return Array.from({ length: repeats }, (_, round) => {
    const [l2c = 0, sdt = 0, harmonica = 0, one] = timed.map(({ samplesMs }) => samplesMs[round]);
    const refresh = Math.max(0, harmonica - sdt) / paperConfig.refreshEvery;
    return {
      l2c: l2c / (steps / 2),
      sdt: sdt / (steps - 1),
      harmonica: sdt / (steps - 1) + refresh,
      encoding: one === undefined ? undefined : one * samples,
    };
  });
}

async function encodeOne({ image, encode }: CompiledEncoder): Promise<void> {
  const input: Tensor4D = randomUniform([1, image.height, image.width, 3], -1, 1, 'float32', 1);
  const output = await encode(input);
  await output.data();
  output.dispose();
  input.dispose();
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

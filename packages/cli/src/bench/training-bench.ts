import {
  computeAction,
  createRng,
  InvalidArgumentError,
  type PredictorName,
} from '@harmonica/core';
import {
  advanceRun,
  beginStep,
  disposeRunState,
  guide,
  type RoutedRun,
  type RunState,
  startRun,
} from '@harmonica/iepo';
import { measureInterleaved } from '@harmonica/metrics';
import { predictorByName } from '@harmonica/router';
import { drawBatch, trainingStep } from '@harmonica/sdt';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import type { RunSetting } from '../run-setting.js';
import type { Session } from '../session.js';
import { trainingInputs } from '../training-inputs.js';

/** What one router update costs. */
export interface TrainingTiming {
  readonly predictor: PredictorName;
  readonly iterationMs: number;
  /** One pass of the whole model over the same batch. */
  readonly forwardMs: number;
  /** Median of the ratios of interleaved rounds. */
  readonly iterationInForwards: number;
}

/** Options of {@link trainingBench}. */
export interface TrainingBenchOptions {
  readonly session: Pick<Session, 'executor' | 'model'>;
  /** Of more steps than the predictor reads. */
  readonly setting: Pick<RunSetting, 'plan' | 'guidance'>;
  /** Images; with guidance the model runs on twice as many. */
  readonly batchSize: number;
  readonly predictor: PredictorName;
  readonly repeats: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Times one iteration of step-wise denoising training (teacher, blended student, gradients) and one forward pass of the
 * same batch, in turns, with as much history as the predictor reads.
 *
 * @throws {@link InvalidArgumentError} if the plan has too few steps for that
 */
export async function trainingBench(options: TrainingBenchOptions): Promise<TrainingTiming> {
  const { session, setting, batchSize, predictor, repeats, signal } = options;
  const { executor } = session;
  const { spec } = executor;
  assertSteps(options);
  const {
    drawCondition,
    dispose: disposeInputs,
    ...guided
  } = trainingInputs({
    subjects: session.model.subjects,
    guidance: setting.guidance,
    batchSize,
  });
  const batch = drawBatch({
    rng: createRng({ seed: 1 }),
    size: batchSize,
    spec,
    plan: setting.plan,
    drawCondition,
    ...guided,
  });
  const run: RoutedRun = {
    executor,
    plan: setting.plan,
    predictor: predictorByName(predictor),
    condition: batch.condition,
    noise: batch.noise,
    threshold: 0.1,
    ...guided,
  };
  const { state, index } = await runUntilHistory(run, batch.latent);
  try {
    const { a, b, ratio } = await measureInterleaved({
      a: () => iterate(run, state, index),
      b: () => forward(run, state, index),
      repeats,
      warmup: 1,
      ...(signal && { signal }),
    });
    return {
      predictor,
      iterationMs: a.median,
      forwardMs: b.median,
      iterationInForwards: ratio.median,
    };
  } finally {
    disposeRunState(run, state);
    dispose([batch.latent, ...Object.values(batch.condition)] as Tensor[]);
    disposeInputs();
  }
}

function assertSteps({ setting, predictor }: TrainingBenchOptions): void {
  const { depth } = predictorByName(predictor);
  const steps = setting.plan.steps.length;
  if (steps > depth) return;
  throw new InvalidArgumentError({
    argument: '--steps',
    value: steps,
    expected: `more than ${depth}, the computed steps that the ${predictor} predictor reads`,
  });
}

/** The state after as many fully computed steps as the predictor reads. */
async function runUntilHistory(run: RoutedRun, latent: RunState['plan']['latent']) {
  const scores = run.executor.spec.branches.map(() => 1);
  let state = startRun(run, latent);
  for (let index = 0; index < run.predictor.depth; index++) {
    const result = await advanceRun({ run, state, index, scores });
    result.output.dispose();
    disposeRunState(run, state);
    state = result.state;
  }
  return { state, index: run.predictor.depth };
}

async function iterate(run: RoutedRun, state: RunState, index: number): Promise<void> {
  const scores = run.executor.spec.branches.map(() => 0.5);
  const result = await trainingStep({ run, state, index, scores });
  disposeRunState(run, result.state);
}

async function forward(run: RoutedRun, state: RunState, index: number): Promise<void> {
  const { executor } = run;
  const all = executor.spec.branches.map((branch) => computeAction(branch.index, false));
  const begun = await beginStep(run, state.plan, index);
  const { stream } = await executor.advance(begun, all);
  const output = guide(run, await executor.end(stream));
  output.dispose();
  executor.release(begun, stream);
}

import { computeAction, createRng, InvalidArgumentError } from '@harmonica/core';
import type { RunPart } from '@harmonica/iepo';
import { latencyRatio, measureInterleaved } from '@harmonica/metrics';
import { type Pipeline, type RunSetting, trainingInputs } from '@harmonica/pipeline';
import {
  advanceRun,
  beginStep,
  disposeRunState,
  guide,
  predictorByName,
  type RoutedRun,
  type RunState,
  startRun,
} from '@harmonica/router';
import { drawBatch, partSizeOf, trainingStep } from '@harmonica/sdt';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';

/** What one router update costs. */
export interface TrainingTiming {
  readonly predictor: string;
  readonly iterationMs: number;
  /** One pass of the whole model over the same batch. */
  readonly forwardMs: number;
  /** Median of the ratios of interleaved rounds. */
  readonly iterationInForwards: number;
}

/** Options of {@link trainingBench}. */
export interface TrainingBenchOptions {
  readonly pipeline: Pick<Pipeline, 'executor' | 'model'>;
  /** Of more steps than the predictor reads. */
  readonly setting: Pick<RunSetting, 'plan' | 'guidance'>;
  /** Images; with guidance the model runs on twice as many. */
  readonly batchSize: number;
  /** As in the config of a training. */
  readonly microBatch?: number | undefined;
  readonly predictor: string;
  readonly repeats: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Times one iteration of step-wise denoising training (teacher, blended student, gradients), part by part, and one forward
 * pass of the whole batch, in turns, with as much history as the predictor reads.
 *
 * @throws {@link InvalidArgumentError} if the plan has too few steps for that
 */
export async function trainingBench(options: TrainingBenchOptions): Promise<TrainingTiming> {
  const { predictor, repeats, signal } = options;
  assertSteps(options);
  const { whole, parts, dispose: disposeInputs } = drawRuns(options);
  const ready: Ready[] = [];
  try {
    for (const { run, latent } of parts) ready.push(await runUntilHistory(run, latent));
    const [a, b] = await measureInterleaved({
      runs: [() => iterate(ready), () => forward(whole, predictorByName(predictor).depth)],
      repeats,
      warmup: 1,
      signal,
    });
    return {
      predictor,
      iterationMs: a.median,
      forwardMs: b.median,
      iterationInForwards: latencyRatio(a, b).median,
    };
  } finally {
    for (const { run, state } of ready) disposeRunState(run, state);
    disposeInputs();
  }
}

/** The same batch at once and in the parts of training. */
function drawRuns(options: TrainingBenchOptions) {
  const { pipeline, setting, batchSize } = options;
  const { executor, model } = pipeline;
  const { plan, guidance } = setting;
  const { conditions } = model;
  const inputs = trainingInputs({ conditions, guidance, batchSize });
  const { drawCondition, dispose: disposeInputs, ...guided } = inputs;
  const predictor = predictorByName(options.predictor);
  const shared = { executor, plan, predictor, threshold: 0.1, ...guided };
  const draw = (size: number): RunPart[] =>
    drawBatch({
      rng: createRng({ seed: 1 }),
      size: batchSize,
      partSize: size,
      spec: executor.spec,
      plan,
      drawCondition,
      ...guided,
    }).map(({ latent, condition, noise }) => ({ latent, run: { ...shared, condition, noise } }));
  const [whole] = draw(batchSize) as [RunPart];
  const parts = draw(partSizeOf(options, guidance));
  return {
    whole,
    parts,
    dispose: () => {
      for (const { latent, run } of [whole, ...parts]) {
        dispose([latent, ...Object.values(run.condition)] as Tensor[]);
      }
      disposeInputs();
    },
  };
}

function assertSteps({ setting, predictor }: TrainingBenchOptions): void {
  const { depth } = predictorByName(predictor);
  const steps = setting.plan.steps.length;
  if (steps > depth) return;
  throw new InvalidArgumentError({
    argument: 'steps',
    value: steps,
    expected: `more than ${depth}, the computed steps that the ${predictor} predictor reads`,
  });
}

/** A run that has as much history as its predictor reads, and the step that comes next. */
interface Ready {
  readonly run: RoutedRun;
  readonly state: RunState;
  readonly index: number;
}

async function runUntilHistory(run: RoutedRun, latent: RunPart['latent']): Promise<Ready> {
  const scores = run.executor.spec.branches.map(() => 1);
  let state = startRun(run, latent);
  for (let index = 0; index < run.predictor.depth; index++) {
    const result = await advanceRun({ run, state, index, scores });
    result.output.dispose();
    disposeRunState(run, state);
    state = result.state;
  }
  return { run, state, index: run.predictor.depth };
}

async function iterate(parts: readonly Ready[]): Promise<void> {
  for (const { run, state, index } of parts) {
    const scores = run.executor.spec.branches.map(() => 0.5);
    const result = await trainingStep({ run, state, index, scores });
    disposeRunState(run, result.state);
  }
}

async function forward({ run, latent }: RunPart, index: number): Promise<void> {
  const { executor } = run;
  const all = executor.spec.branches.map((branch) => computeAction(branch.index, false));
  const begun = await beginStep(run, { latent, predictions: [] }, index);
  const { stream } = await executor.advance(begun, all);
  const output = guide(run, await executor.end(stream));
  output.dispose();
  executor.release(begun, stream);
}

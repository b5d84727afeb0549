import {
  assertCount,
  type BeginInput,
  computeAction,
  type Executor,
  measureRounds,
  type StreamHandle,
  timed,
  type ValueHandle,
} from '@harmonica/core';
import type { CostModel } from './cost-model.js';

/** Options of {@link measureCostModel}. */
export interface MeasureCostModelOptions {
  /** Its calls resolve when their work is done. */
  readonly executor: Executor;
  /** A batch of the size that will be sampled. */
  readonly input: BeginInput;
  /** Outputs that a prediction reads, an integer of at least 1. Default 1, as `hold` does. */
  readonly predictorDepth?: number;
  /** Timed passes through the model, after one that is not timed. Default 5. */
  readonly repeats?: number;
  /** Looked at before every pass. */
  readonly signal?: AbortSignal | undefined;
  /** Clock in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

/**
 * Measures on the machine at hand what each part of a model call costs, in milliseconds: medians over passes through
 * the whole model, so that branches are timed in the order and with the caches of a real run. Every branch is a call of
 * its own, so what an engine spends on each call is counted in each branch.
 *
 * @throws {@link InvalidArgumentError} if a number is outside its range; {@link AbortedError} if the signal says so.
 */
export async function measureCostModel(options: MeasureCostModelOptions): Promise<CostModel> {
  const { executor, input, predictorDepth = 1, repeats, signal } = options;
  const { now = () => performance.now() } = options;
  assertCount({ argument: 'predictorDepth', value: predictorDepth });
  const passes = await measureRounds({ repeats, signal }, () =>
    timePass({ executor, input, predictorDepth, now }),
  );
  return {
    unit: 'ms',
    begin: median(passes.map(({ begin }) => begin)),
    branches: executor.spec.branches.map((_, i) =>
      median(passes.map(({ branches }) => branches[i] as number)),
    ),
    predict: median(passes.flatMap(({ predictions }) => predictions)),
    end: median(passes.map(({ end }) => end)),
  };
}

interface PassOptions {
  readonly executor: Executor;
  readonly input: BeginInput;
  readonly predictorDepth: number;
  readonly now: () => number;
}

interface PassTimes {
  readonly begin: number;
  readonly branches: readonly number[];
  readonly predictions: readonly number[];
  readonly end: number;
}

async function timePass(options: PassOptions): Promise<PassTimes> {
  const { executor, input, now } = options;
  const branches: number[] = [];
  const predictions: number[] = [];
  const begun = await timed(now, () => executor.begin(input));
  let stream = begun.value;
  try {
    for (const { index } of executor.spec.branches) {
      const times = await timeBranch({ ...options, stream, branch: index });
      executor.release(stream);
      stream = times.stream;
      branches.push(times.computeMs);
      predictions.push(times.predictMs);
    }
    const ended = await timed(now, () => executor.end(stream));
    ended.value.dispose();
    return { begin: begun.ms, branches, predictions, end: ended.ms };
  } finally {
    executor.release(stream);
  }
}

/** Runs one branch both ways; the stream returned is the computed one, and the given one is not released. */
async function timeBranch(
  options: PassOptions & { readonly stream: StreamHandle; readonly branch: number },
) {
  const { executor, predictorDepth, now, stream, branch } = options;
  const compute = [computeAction(branch, true)];
  const computed = await timed(now, () => executor.advance(stream, compute));
  const output = computed.value.outputs[0] as ValueHandle;
  const history = new Array<ValueHandle>(predictorDepth).fill(output);
  const coefficients = history.map(() => 1 / predictorDepth);
  const predict = [{ branch, score: 0, history, coefficients, keep: false }];
  try {
    const predicted = await timed(now, () => executor.advance(stream, predict));
    executor.release(predicted.value.stream);
    return { stream: computed.value.stream, computeMs: computed.ms, predictMs: predicted.ms };
  } catch (error) {
    executor.release(computed.value.stream);
    throw error;
  } finally {
    executor.release(output);
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const below = sorted[Math.floor(middle)] as number;
  const above = sorted[Math.ceil(middle)] as number;
  return (below + above) / 2;
}

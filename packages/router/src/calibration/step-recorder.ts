import {
  assertArgument,
  computeAction,
  type Executor,
  IncompatibleError,
  NonFiniteError,
  type StreamHandle,
  type ValueHandle,
} from '@harmonica/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { createCachingRunner, type StepInput, type StepOutput } from '../run/caching-runner.js';
import type { Recorder } from './calibration.js';

/** One step of an uncached run, for those who look on. Handles are borrowed. @internal */
export interface ObservedStep {
  /** Before the first branch. */
  readonly before: StreamHandle;
  /** After the last branch. */
  readonly after: StreamHandle;
  /** `[N]`, if they are kept. */
  readonly outputs: readonly (ValueHandle | undefined)[];
}

/** What one step of an uncached run is looked at for. @internal */
export interface StepMeasure {
  /** Whether the outputs of branches are kept for `observe`. */
  readonly keepsOutputs: boolean;
  /** Reads what is wanted, one tensor after the other; they are taken over. */
  observe(step: ObservedStep): AsyncIterable<Tensor>;
  /** How many earlier steps stay at hand. */
  readonly lookback: number;
  /**
   * Numbers about a step. Tensors are borrowed.
   *
   * @param current what was read in this step
   * @param earlier what was read in the steps before it, most recent first, up to `lookback` of them
   */
  measure(
    current: readonly Tensor[],
    earlier: readonly (readonly Tensor[])[],
  ): Promise<readonly number[]>;
}

/** The numbers of each step of some runs, `[runs][T][numbers]`. @internal */
export type RunNumbers = readonly (readonly (readonly number[])[])[];

/** Records numbers about every step of uncached runs. @internal */
export function createStepRecorder<Recorded>(options: {
  readonly createMeasure: (executor: Executor) => StepMeasure;
  /** What those runs tell that came to their end, at least one. */
  readonly summarize: (runs: RunNumbers) => Recorded;
}): Recorder<Recorded> {
  const { createMeasure, summarize } = options;
  const runs: RunNumbers[number][] = [];
  return {
    recorded() {
      assertArgument(
        { 'the record': 'empty' },
        'at least one run that came to its end',
        runs.length > 0,
        'Sample with the cache method of the recorder first.',
      );
      return summarize(runs);
    },
    cache(executor, steps) {
      assertSameSteps(steps, runs[0]?.length);
      const measure = createMeasure(executor);
      const numbers: (readonly number[])[] = [];
      let earlier: (readonly Tensor[])[] = [];
      return createCachingRunner({
        executor,
        onClear: () => {
          disposeAll(earlier.flat());
          earlier = [];
        },
        async runStep(input) {
          const { output, current } = await runObservedStep({ ...input, executor, measure });
          const all = [current, ...earlier];
          earlier = all.slice(0, measure.lookback);
          try {
            numbers.push(assertFinite(await measure.measure(current, all.slice(1)), input.step));
          } catch (error) {
            executor.release(output.stream);
            throw error;
          } finally {
            disposeAll(all.slice(measure.lookback).flat());
          }
          if (numbers.length === steps) runs.push(numbers);
          return output;
        },
      });
    },
  };
}

/** Mean over runs, element by element. @internal */
export function meanOverRuns(runs: RunNumbers): RunNumbers[number] {
  const [first = []] = runs;
  return first.map((row, step) =>
    row.map((_, i) => runs.reduce((sum, run) => sum + (run[step]?.[i] as number), 0) / runs.length),
  );
}

/** Reads the watched outputs of a step, for `observe`. @internal */
export async function* readOutputs(
  executor: Pick<Executor, 'read'>,
  { outputs }: Pick<ObservedStep, 'outputs'>,
): AsyncGenerator<Tensor> {
  for (const output of outputs) if (output) yield await executor.read(output);
}

/** A number for each tensor and what it was in the step before. @internal */
export async function comparedWith(
  previous: readonly Tensor[],
  current: readonly Tensor[],
  compare: (value: Tensor, base: Tensor) => Promise<number>,
): Promise<readonly number[]> {
  const numbers: number[] = [];
  for (const [i, base] of previous.entries())
    numbers.push(await compare(current[i] as Tensor, base));
  return numbers;
}

async function runObservedStep(
  input: StepInput & { readonly executor: Executor; readonly measure: StepMeasure },
): Promise<{ readonly output: StepOutput; readonly current: readonly Tensor[] }> {
  const { stream, executor, measure } = input;
  const actions = executor.spec.branches.map(({ index }) =>
    computeAction(index, measure.keepsOutputs),
  );
  const result = await executor.advance(stream, actions);
  const current: Tensor[] = [];
  try {
    const observed = { before: stream, after: result.stream, outputs: result.outputs };
    for await (const tensor of measure.observe(observed)) current.push(tensor);
  } catch (error) {
    disposeAll(current);
    executor.release(result.stream);
    throw error;
  } finally {
    executor.release(...result.outputs.filter((output) => output !== undefined));
  }
  return { output: { stream: result.stream, decisions: actions.map(() => true) }, current };
}

function disposeAll(tensors: readonly Tensor[]): void {
  for (const each of tensors) each.dispose();
}

function assertSameSteps(steps: number, recorded = steps): void {
  if (steps === recorded) return;
  throw new IncompatibleError({
    what: "The run's number of steps",
    actual: steps,
    expected: recorded,
    fix: 'Use a recorder for each number of steps.',
  });
}

function assertFinite(numbers: readonly number[], step: number): readonly number[] {
  if (numbers.every(Number.isFinite)) return numbers;
  throw new NonFiniteError({ site: 'A recorded number', step });
}

import {
  assertArgument,
  type Branch,
  type BranchAction,
  type CacheMethod,
  type CachePolicy,
  type CachePredictor,
  computeAction,
  type Executor,
  type Probe,
  type StreamHandle,
} from '@harmonica/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { createCachingRunner, type StepInput, type StepOutput } from './caching-runner.js';
import type { DynamicPolicy, RunningPolicy, Watch } from './dynamic-policy.js';
import { checkedCoefficients } from './plan-cache.js';
import { readResidual, relativeChange } from './relative-change.js';

/** Options of {@link withPolicy}. */
export interface WithPolicyOptions {
  /** A policy that decides by step and branch alone, or one that looks at outputs on the way. */
  readonly policy: CachePolicy | DynamicPolicy;
  readonly predictor: CachePredictor;
}

/**
 * Runs branches as a policy decides while the run goes on. Step 0 computes everything. A step is one call of the
 * executor; of a policy that watches what branches add, two: up to the watched place, and the branches whose decisions
 * follow from what was seen. The last `predictor.depth` outputs of every branch are held, because no one knows which of
 * them will be read; where decisions are known ahead, `withCache` holds less.
 *
 * @returns a method for `generate({ cache })`. It throws {@link InvalidArgumentError} when a policy watches a branch
 * that the model does not have.
 */
export function withPolicy({ policy, predictor }: WithPolicyOptions): CacheMethod {
  return (executor, steps) => {
    const { branches } = executor.spec;
    const running: RunningPolicy = 'start' in policy ? policy.start({ steps, branches }) : policy;
    const { watch } = running;
    if (watch) assertWatch(watch, branches);
    const meter = watch && createChangeMeter(watch);
    return createCachingRunner({
      executor,
      ...(meter && { onClear: meter.clear }),
      runStep: (input) => runDecidedStep({ ...input, executor, policy: running, predictor, meter }),
    });
  };
}

interface DecidedStep extends StepInput {
  readonly executor: Executor;
  readonly policy: RunningPolicy;
  readonly predictor: CachePredictor;
  /** Of a policy that watches. */
  readonly meter: ChangeMeter | undefined;
}

async function runDecidedStep(input: DecidedStep): Promise<StepOutput> {
  const { stream, executor, policy, meter } = input;
  const { branches } = executor.spec;
  const firstFree = policy.watch?.branch ?? 0;
  const seen = await runBranches({ ...input, branches: branches.slice(0, firstFree), probe: {} });
  try {
    const change = await watchedChange(input, seen.stream);
    const rest = await runBranches({
      ...input,
      stream: seen.stream,
      branches: branches.slice(firstFree),
      probe: change === undefined ? {} : { change },
    });
    if (seen.stream !== stream && seen.stream !== rest.stream) executor.release(seen.stream);
    const decisions = [...seen.decisions, ...rest.decisions];
    meter?.settle({ isFull: decisions.every(Boolean) });
    return { stream: rest.stream, decisions };
  } catch (error) {
    if (seen.stream !== stream) executor.release(seen.stream);
    throw error;
  }
}

/** How the watched signal has changed, given the streams before the first branch and at the watched place. */
async function watchedChange(
  { stream, executor, policy: { watch }, meter }: DecidedStep,
  seen: StreamHandle,
): Promise<number | undefined> {
  if (!watch || !meter) return undefined;
  const value =
    watch.signal === 'input'
      ? executor.readStream(seen, watch.branch)
      : readResidual({ executor, before: stream, after: seen });
  return meter.measure(await value);
}

/** Consecutive branches in one call. Without branches the stream is handed back as it is. */
async function runBranches(
  input: DecidedStep & { readonly branches: readonly Branch[]; readonly probe: Probe },
): Promise<StepOutput> {
  const { step, stream, store, executor, policy, predictor, branches, probe } = input;
  if (branches.length === 0) return { stream, decisions: [] };
  const decisions = branches.map(
    (branch) =>
      step === 0 ||
      branch.index < (policy.watch?.branch ?? 0) ||
      policy.decide(step, branch, probe) === 'compute',
  );
  const actions = branches.map((branch, i) =>
    decisions[i] ? computeAction(branch.index, true) : predictAction(input, branch),
  );
  const result = await executor.advance(stream, actions);
  branches.forEach((branch, i) => {
    const output = result.outputs[i];
    if (output) store.put({ branch: branch.index, step }, output);
    for (const unread of store.steps(branch.index).slice(predictor.depth)) {
      store.release({ branch: branch.index, step: unread });
    }
  });
  return { stream: result.stream, decisions };
}

function predictAction(
  { step, store, predictor }: DecidedStep,
  { index: branch }: Branch,
): BranchAction {
  const computed = store.steps(branch);
  return {
    branch,
    score: 0,
    history: computed.map((source) => store.get({ branch, step: source })),
    coefficients: checkedCoefficients({ predictor, step, computed }),
    keep: false,
  };
}

function assertWatch({ signal, branch }: Watch, branches: readonly Branch[]): void {
  // Before the first branch nothing was added.
  const first = signal === 'residual' ? 1 : 0;
  assertArgument(
    { 'watch.branch': branch },
    `a branch from ${first} to ${branches.length - 1}`,
    Number.isInteger(branch) && branch >= first && branch < branches.length,
  );
}

/** Measures how the watched tensor of a run changes. Owns what it is given. @internal */
interface ChangeMeter {
  /** Its change in this step; none as long as there is nothing to compare with. Takes the tensor over. */
  measure(value: Tensor): Promise<number | undefined>;
  /** Ends a step. */
  settle(step: { readonly isFull: boolean }): void;
  /** Frees everything. */
  clear(): void;
}

/** @internal */
function createChangeMeter({ since }: Pick<Watch, 'since'>): ChangeMeter {
  let reference: Tensor | undefined;
  let current: Tensor | undefined;
  return {
    async measure(value) {
      current = value;
      return reference && relativeChange(value, reference);
    },
    settle({ isFull }) {
      const renews = isFull || since === 'last-step';
      (renews ? reference : current)?.dispose();
      if (renews) reference = current;
      current = undefined;
    },
    clear() {
      reference?.dispose();
      current?.dispose();
      reference = undefined;
      current = undefined;
    },
  };
}

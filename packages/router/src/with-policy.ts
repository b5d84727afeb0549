import {
  type Branch,
  type BranchAction,
  type CacheMethod,
  type CachePolicy,
  type CachePredictor,
  computeAction,
  type Executor,
  InvalidArgumentError,
  type Probe,
} from '@harmonica/core';
import type { CacheStore } from './cache-store.js';
import { createCachingRunner, type StepInput, type StepOutput } from './caching-runner.js';
import { type ChangeMeter, createChangeMeter } from './change-meter.js';
import type { DynamicPolicy, RunningPolicy } from './dynamic-policy.js';
import { checkedWeights } from './plan-cache.js';

/** Options of {@link withPolicy}. */
export interface WithPolicyOptions {
  /** A policy that decides by step and branch alone, or one that looks at outputs on the way. */
  readonly policy: CachePolicy | DynamicPolicy;
  readonly predictor: CachePredictor;
}

/**
 * Runs branches as a policy decides while the run goes on. Step 0 computes everything. A step is one call of the
 * executor; of a policy that watches outputs, two: up to the last watched branch, and the branches whose decisions
 * follow from what was seen. The last `predictor.depth` outputs of every branch are held, because no one knows which of
 * them will be read; where decisions are known ahead, `withCache` holds less.
 *
 * @returns a method for `generate({ cache })`. It throws {@link InvalidArgumentError} when a policy watches a branch
 * that the model does not have.
 */
export function withPolicy({ policy, predictor }: WithPolicyOptions): CacheMethod {
  return (executor, steps) => {
    const { branches } = executor.spec;
    const running = 'start' in policy ? policy.start({ steps, branches }) : unwatching(policy);
    const { watch } = running;
    assertWatch(watch.branches, branches);
    const meter = createChangeMeter({ executor, since: watch.since });
    return createCachingRunner({
      executor,
      onClear: meter.clear,
      runStep: (input) => runDecidedStep({ ...input, executor, policy: running, predictor, meter }),
    });
  };
}

interface DecidedStep extends StepInput {
  readonly executor: Executor;
  readonly policy: RunningPolicy;
  readonly predictor: CachePredictor;
  readonly meter: ChangeMeter;
}

async function runDecidedStep(input: DecidedStep): Promise<StepOutput> {
  const { step, stream, store, executor, policy, meter } = input;
  const { branches } = executor.spec;
  const watched = policy.watch.branches;
  const firstFree = 1 + Math.max(-1, ...watched);
  const seen = await runBranches({ ...input, branches: branches.slice(0, firstFree), probe: {} });
  try {
    const outputs = watched.map((branch) => store.get({ branch, step }));
    const change = outputs.length > 0 ? await meter.measure(outputs) : undefined;
    const rest = await runBranches({
      ...input,
      stream: seen.stream,
      branches: branches.slice(firstFree),
      probe: change === undefined ? {} : { change },
    });
    if (seen.stream !== stream && seen.stream !== rest.stream) executor.release(seen.stream);
    const decisions = [...seen.decisions, ...rest.decisions];
    meter.settle({ isFull: decisions.every(Boolean) });
    return { stream: rest.stream, decisions };
  } catch (error) {
    if (seen.stream !== stream) executor.release(seen.stream);
    throw error;
  }
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
      policy.watch.branches.includes(branch.index) ||
      policy.decide(step, branch, probe) === 'compute',
  );
  const actions = branches.map((branch, i) =>
    decisions[i]
      ? computeAction(branch.index, true)
      : predictAction({ step, branch, store, predictor }),
  );
  const result = await executor.advance(stream, actions);
  branches.forEach((branch, i) => {
    const output = result.outputs[i];
    if (output) store.put({ branch: branch.index, step }, output);
    trim({ store, branch, depth: predictor.depth });
  });
  return { stream: result.stream, decisions };
}

function predictAction(options: {
  readonly step: number;
  readonly branch: Branch;
  readonly store: CacheStore;
  readonly predictor: CachePredictor;
}): BranchAction {
  const { step, branch, store, predictor } = options;
  const computed = store.steps(branch.index);
  return {
    branch: branch.index,
    score: 0,
    history: computed.map((source) => store.get({ branch: branch.index, step: source })),
    weights: checkedWeights({ predictor, step, computed }),
    keep: false,
  };
}

function trim(options: {
  readonly store: CacheStore;
  readonly branch: Branch;
  readonly depth: number;
}): void {
  const { store, branch, depth } = options;
  for (const step of store.steps(branch.index).slice(depth)) {
    store.release({ branch: branch.index, step });
  }
}

function unwatching(policy: CachePolicy): RunningPolicy {
  return {
    name: policy.name,
    watch: { branches: [], since: 'last-step' },
    decide: (step, branch, probe) => policy.decide(step, branch, probe),
  };
}

function assertWatch(watched: readonly number[], branches: readonly Branch[]): void {
  for (const branch of watched) {
    if (branches[branch]) continue;
    throw new InvalidArgumentError({
      argument: 'watch.branches',
      value: branch,
      expected: `a branch below ${branches.length}`,
    });
  }
}

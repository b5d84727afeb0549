import {
  type Branch,
  type BranchAction,
  type CacheMethod,
  type CachePolicy,
  type CachePredictor,
  computeAction,
  type Executor,
} from '@harmonica/core';
import type { CacheStore } from './cache-store.js';
import { createCachingRunner, type StepInput, type StepOutput } from './caching-runner.js';
import { checkedWeights } from './plan-cache.js';

/** Options of {@link withPolicy}. */
export interface WithPolicyOptions {
  readonly policy: CachePolicy;
  readonly predictor: CachePredictor;
}

/**
 * Runs branches as a policy decides while the run goes on, branch by branch, each knowing what was decided before it.
 * Step 0 computes everything. The last `predictor.depth` outputs of every branch are held, because no one knows which
 * of them will be read; where decisions are known ahead, `withCache` holds less and runs whole steps at once.
 *
 * @returns a method for `generate({ cache })`.
 */
export function withPolicy({ policy, predictor }: WithPolicyOptions): CacheMethod {
  return (executor) =>
    createCachingRunner({
      executor,
      runStep: (input) => runDecidedStep({ ...input, executor, policy, predictor }),
    });
}

async function runDecidedStep(
  input: StepInput & WithPolicyOptions & { readonly executor: Executor },
): Promise<StepOutput> {
  const { step, stream, store, executor, policy, predictor } = input;
  const decisions: boolean[] = [];
  let current = stream;
  const releaseCurrent = () => {
    if (current !== stream) executor.release(current);
  };
  try {
    for (const branch of executor.spec.branches) {
      const compute = step === 0 || policy.decide(step, branch, {}) === 'compute';
      const action = compute
        ? computeAction(branch.index, true)
        : predictAction({ step, branch, store, predictor });
      const result = await executor.advance(current, [action]);
      releaseCurrent();
      current = result.stream;
      const [output] = result.outputs;
      if (output) store.put({ branch: branch.index, step }, output);
      trim({ store, branch, depth: predictor.depth });
      decisions.push(compute);
    }
    return { stream: current, decisions };
  } catch (error) {
    releaseCurrent();
    throw error;
  }
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

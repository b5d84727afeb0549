import { type BranchAction, type CacheMethod, computeAction, type Executor } from '@harmonica/core';
import { assertScheduleFits } from '../schedule/compatibility.js';
import {
  type CacheStore,
  createCachingRunner,
  type StepInput,
  type StepOutput,
} from './caching-runner.js';
import {
  type CachePlan,
  type PlannedAction,
  planCache,
  type WithCacheOptions,
} from './plan-cache.js';

/**
 * Runs branches as a schedule says. The cache is planned once for all runs: each step is one call of the executor, and
 * an output is held only from the step that computed it to the last step that reads it.
 *
 * @returns a method for `generate({ cache })`. It throws {@link IncompatibleError} when a run has another number of
 * steps or branches than the schedule.
 * @throws as {@link planCache}.
 */
export function withCache(options: WithCacheOptions): CacheMethod {
  const { schedule } = options;
  const plan = planCache(options);
  return (executor, steps) => {
    assertScheduleFits(schedule, { steps, spec: executor.spec });
    return createCachingRunner({
      executor,
      runStep: (input) => runPlannedStep({ ...input, executor, plan }),
    });
  };
}

async function runPlannedStep(
  input: StepInput & { readonly executor: Executor; readonly plan: CachePlan },
): Promise<StepOutput> {
  const { step, stream, store, executor, plan } = input;
  const planned = plan.actions[step] ?? [];
  const actions = planned.map((action, branch) => toBranchAction({ action, branch, store }));
  const result = await executor.advance(stream, actions);
  result.outputs.forEach((output, branch) => {
    if (output) store.put({ branch, step }, output);
  });
  for (const key of plan.releases[step] ?? []) store.release(key);
  return { stream: result.stream, decisions: planned.map(({ kind }) => kind === 'compute') };
}

function toBranchAction(options: {
  readonly action: PlannedAction;
  readonly branch: number;
  readonly store: CacheStore;
}): BranchAction {
  const { action, branch, store } = options;
  if (action.kind === 'compute') return computeAction(branch, action.keep);
  const history = action.sources.map((step) => store.get({ branch, step }));
  return { branch, score: 0, history, coefficients: action.coefficients, keep: false };
}

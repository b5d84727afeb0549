import type { Branch, CachePolicy, Probe } from '@harmonica/core';

/** The run that a policy or schedule is made for. */
export interface PolicyRun {
  /** Sampling steps T, an integer of at least 1. */
  readonly steps: number;
  /** `spec.branches` of the backbone. */
  readonly branches: readonly Branch[];
}

/** What a policy looks at in every step. The branches before it are computed in every step. */
export interface Watch {
  /**
   * `residual`: what all branches before `branch` add to the tokens, gates included. `input`: what `branch` works on, its
   * norm and modulation applied.
   */
  readonly signal: 'residual' | 'input';
  /** Index of the first branch that is decided by it. */
  readonly branch: number;
  /** What it is compared with: itself in the step before, or in the last step that computed everything. */
  readonly since: 'last-step' | 'last-full-step';
}

/**
 * A policy in the middle of a run. Branches from the watched place on are asked about with `probe.change`: the relative
 * L1 change of the signal, `sum |now - then| / sum |then|`.
 */
export interface RunningPolicy extends CachePolicy {
  /** Absent: nothing is looked at. */
  readonly watch?: Watch;
}

/** A policy that decides by what it sees on the way. Started afresh for each run, so that no state can go stale. */
export interface DynamicPolicy {
  readonly name: string;
  /** A policy for one run. @throws {@link InvalidArgumentError} if it does not fit the model */
  start(run: PolicyRun): RunningPolicy;
}

/** Decides whole steps, in order from step 1 on. May keep state between its calls. @internal */
export type StepDecider = (step: number, probe: Probe) => 'compute' | 'predict';

/**
 * A running policy that decides once a step, and so for all branches that are not always computed.
 *
 * @internal
 */
export function decideWholeSteps(options: {
  readonly name: string;
  readonly watch: Watch;
  readonly isAlwaysComputed: (branch: Branch) => boolean;
  readonly decideStep: StepDecider;
}): RunningPolicy {
  const { name, watch, isAlwaysComputed, decideStep } = options;
  let latest = { step: 0, decision: 'compute' as 'compute' | 'predict' };
  return {
    name,
    watch,
    decide(step, branch, probe) {
      if (isAlwaysComputed(branch)) return 'compute';
      if (step !== latest.step) latest = { step, decision: decideStep(step, probe) };
      return latest.decision;
    },
  };
}

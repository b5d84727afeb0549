import type { CacheSchedule, Rng } from '@harmonica/core';
import {
  type CostModel,
  FIRST_STEP_LOGIT,
  fixedIntervalSchedule,
  logitsFromSchedule,
  normalLogits,
  type StepMatrix,
  theoreticalSpeedUp,
} from '@harmonica/router';
import type { InitialLogits } from './training-config.js';
import type { TrainRouterOptions } from './training-run.js';

interface StartingLogitsOptions extends Pick<TrainRouterOptions, 'executor' | 'plan' | 'config'> {
  /** What `targetSpeedup` is in. */
  readonly cost: CostModel;
  /** Drawn from if the logits are normal. */
  readonly rng: Rng;
}

/**
 * `[T][N]` logits as `initial` says. With trainer `l2c` the first step of every pair stands at a score that computes.
 *
 * @throws {@link InvalidArgumentError} if the interval is not an integer of at least 1
 */
export function startingLogits(options: StartingLogitsOptions): StepMatrix {
  const { executor, plan, config, rng } = options;
  const { initial, trainer } = config;
  const steps = plan.steps.length;
  const branches = executor.spec.branches.length;
  const logits =
    initial.kind === 'normal'
      ? normalLogits({ steps, branches, rng })
      : logitsFromSchedule({
          schedule: startingSchedule(options, initial),
          computed: 2,
          predicted: -2,
        });
  if (trainer !== 'l2c') return logits;
  return logits.map((row, step) => (step % 2 === 0 ? row.map(() => FIRST_STEP_LOGIT) : row));
}

/**
 * Equal logits leave a threshold no choice but all of them, so a target that the interval misses would predict
 * everything, and no step would be told from another: the interval grows until it reaches the target, or cannot.
 */
function startingSchedule(
  { executor, plan, config, cost }: StartingLogitsOptions,
  initial: Extract<InitialLogits, { kind: 'interval' }>,
): CacheSchedule {
  const { branches } = executor.spec;
  const { targetSpeedup = 1 } = config;
  const steps = plan.steps.length;
  const initialSteps = Math.min(initial.initialSteps, steps);
  const every = (interval: number) =>
    fixedIntervalSchedule({ steps, branches, interval, align: 'first', initialSteps });
  let { interval } = initial;
  let schedule = every(interval);
  while (interval < steps && theoreticalSpeedUp({ schedule, cost }) < targetSpeedup) {
    interval += 1;
    schedule = every(interval);
  }
  return schedule;
}

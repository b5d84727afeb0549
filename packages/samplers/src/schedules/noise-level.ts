import { alphaBars, assertNoiseSchedule, type NoiseSchedule } from './noise-schedule.js';
import { sortTimesteps } from './timesteps.js';

/** What a solver step needs to know about the noise: where it starts and where it leads. Dimensionless. */
export interface NoiseLevel {
  /** Timestep of the full schedule: the model time. */
  readonly timestep: number;
  /** Variance added between the level that the step leads to and this one, in (0, 1]. */
  readonly beta: number;
  /** Share of the sample's variance in the latent before the step, in [0, 1). */
  readonly alphaBar: number;
  /** The same after the step, in (0, 1]; 1 for the last step. */
  readonly alphaBarAfter: number;
}

/** Some of the timesteps of a schedule. */
export interface TimestepsOfSchedule {
  readonly schedule: NoiseSchedule;
  /** Distinct integers in [0, betas), in any order. */
  readonly timesteps: readonly number[];
}

/**
 * Betas of the shorter process that visits only the given timesteps and has the same alphaBar there:
 * `1 - alphaBar[t] / alphaBar[previous t]`. Improved DDPM (2021), Section 4 (Eq. 19).
 *
 * @returns one beta for each timestep, by ascending timestep
 * @throws {@link InvalidArgumentError} if the schedule or the timesteps are not valid
 */
export function respaceBetas({ schedule, timesteps }: TimestepsOfSchedule): number[] {
  assertNoiseSchedule(schedule);
  const full = alphaBars(schedule.betas);
  let before = 1;
  return sortTimesteps({ timesteps, length: full.length }).map((timestep) => {
    const alphaBar = full[timestep] as number;
    const beta = 1 - alphaBar / before;
    before = alphaBar;
    return beta;
  });
}

/**
 * The noise levels that a plan passes, computed from the respaced betas.
 *
 * @returns one level for each timestep, in order of execution: the noisiest first
 * @throws {@link InvalidArgumentError} if the schedule or the timesteps are not valid
 */
export function createNoiseLevels({ schedule, timesteps }: TimestepsOfSchedule): NoiseLevel[] {
  const ascending = sortTimesteps({ timesteps, length: schedule.betas.length });
  const betas = respaceBetas({ schedule, timesteps: ascending });
  const products = alphaBars(betas);
  return ascending
    .map((timestep, i) => ({
      timestep,
      beta: betas[i] as number,
      alphaBar: products[i] as number,
      alphaBarAfter: products[i - 1] ?? 1,
    }))
    .reverse();
}

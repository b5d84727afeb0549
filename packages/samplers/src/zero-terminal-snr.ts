import { InvalidArgumentError } from '@harmonica/core';
import { alphaBars, assertNoiseSchedule, type NoiseSchedule } from './noise-schedule.js';

/**
 * The schedule with `sqrt(alphaBar)` shifted and scaled so that it is 0 at the last timestep and unchanged at the first:
 * sampling then starts from what training saw, pure noise. Lin et al. (2023), Algorithm 1. At alphaBar 0 the noise says
 * nothing about the sample, so a plan that visits the last timestep needs a model that predicts the sample or velocity.
 *
 * @throws {@link InvalidArgumentError} if the schedule is not valid or has fewer than 2 timesteps
 */
export function rescaleToZeroTerminalSnr(schedule: NoiseSchedule): NoiseSchedule {
  assertNoiseSchedule(schedule);
  const roots = alphaBars(schedule.betas).map(Math.sqrt);
  const [first] = roots;
  const last = roots.at(-1);
  if (first === undefined || last === undefined || roots.length < 2) {
    throw new InvalidArgumentError({
      argument: 'schedule.betas.length',
      value: schedule.betas.length,
      expected: 'an integer of 2 or more',
    });
  }
  const scale = first / (first - last);
  const rescaled = roots.map((root) => ((root - last) * scale) ** 2);
  const betas = rescaled.map((alphaBar, t) => 1 - alphaBar / (rescaled[t - 1] ?? 1));
  return { name: schedule.name, settings: { ...schedule.settings, zeroTerminalSnr: true }, betas };
}

import { assertArgument, assertOneOf, type Prediction, type SamplerPlan } from '@harmonica/core';
import { linspace } from '../numbers.js';
import {
  assemblePlan,
  convertPrediction,
  type Drift,
  describeLimits,
  eulerStage,
  heunStage,
  type NoisePoint,
  type PlanRow,
  type PlanUpdate,
} from '../plan.js';
import { assertTimes, type SitPlanOptions, sitOptions, sitPoint } from './sit-ode-plan.js';

/**
 * The diffusion coefficient w(t) of SiT's SDE, times a norm: 1 (`'constant'`), `alpha' sigma^2 / alpha - sigma sigma'`
 * (`'sbdm'`, infinite at time 0), sigma, `1 - t` (`'linear'`), `(norm cos(pi t) + 1)^2 / 4` (`'decreasing'`),
 * `sin^2(pi t)` (`'increasing-decreasing'`). SiT (2024), as the official code has them.
 */
export type SitDiffusion = keyof typeof DIFFUSIONS;

/** How the last stretch is gone: along the SDE's drift, along the flow, straight to the predicted sample, or not at all. */
export type SitLastStep = 'mean' | 'euler' | 'tweedie' | 'none';

/** Options of {@link createSitSdePlan}. */
export type SitSdePlanOptions = SitPlanOptions & {
  /** Steps of the method, the last one included: an integer of 2 or more. */
  readonly steps: number;
  /** Default `'euler'`, which is Euler-Maruyama. `'heun'` makes two model evaluations per step but the last. */
  readonly method?: 'euler' | 'heun';
  /** Default `'sigma'`. */
  readonly diffusion?: SitDiffusion;
  /** Factor of the diffusion, 0 or more. Default 1. */
  readonly diffusionNorm?: number;
  /** Default `'mean'`. */
  readonly lastStep?: SitLastStep;
  /** Length of the last step in time, in (0, 1). Default 0.04. */
  readonly lastStepSize?: number;
};

/**
 * SiT's reverse SDE `dx = (velocity + w score) dt + sqrt(2 w) dW` with steps of equal time up to `1 - lastStepSize`, then
 * one without noise. Ma et al. 2024. Heun's method adds the noise of a step before the model sees the latent, so the
 * initial latent has the first step's in it: `initialStd` is above 1.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range
 * @throws {@link IncompatibleError} if the model says nothing new at a visited time, as a noise model at time 0
 * @throws {@link UnsupportedError} for limits with Heun's method
 * @throws {@link NonFiniteError} if the drift is infinite at a visited time: with `'sbdm'` at 0, with Heun's method at 1, to
 * which it goes without a last step
 */
export function createSitSdePlan(options: SitSdePlanOptions): SamplerPlan {
  const { path, prediction, method, margin } = sitOptions(options);
  const { steps, start = margin, diffusion = 'sigma', diffusionNorm = 1 } = options;
  const { lastStep = 'mean', lastStepSize = 0.04 } = options;
  const stop = 1 - (lastStep === 'none' ? margin : lastStepSize);
  assertOneOf({ diffusion }, Object.keys(DIFFUSIONS));
  assertOneOf({ lastStep }, ['mean', 'euler', 'tweedie', 'none']);
  assertArgument({ steps }, 'an integer of 2 or more', Number.isSafeInteger(steps) && steps >= 2);
  const isNorm = Number.isFinite(diffusionNorm) && diffusionNorm >= 0;
  assertArgument({ diffusionNorm }, 'a number of 0 or more', isNorm);
  const isShare = lastStepSize > 0 && lastStepSize < 1;
  assertArgument({ lastStepSize }, 'a number between 0 and 1', isShare);
  assertTimes({ start, stop });
  const points = linspace({ start, stop, count: steps }).map((time) => sitPoint({ path, time }));
  const process = { diffusion, diffusionNorm, prediction, space: SPACES[method] };
  const rows = { euler: eulerRows, heun: heunRows }[method](points, process);
  const last = lastRow({ point: points.at(-1) as NoisePoint, lastStep, lastStepSize, process });
  const firstStd = method === 'heun' ? stepStd(points, 0, process) : 0;
  return assemblePlan({
    sampler: `sit-sde-${method}`,
    prediction,
    process: 'sit',
    settings: {
      path,
      steps,
      start,
      stop,
      diffusion,
      diffusionNorm,
      lastStep,
      lastStepSize: lastStep === 'none' ? null : lastStepSize,
      ...describeLimits(options),
    },
    limits: options,
    initialStd: Math.sqrt(1 + firstStd ** 2),
    rows: last ? [...rows, last] : rows,
  });
}

/** What is fixed in a plan. */
interface SdeProcess {
  readonly diffusion: SitDiffusion;
  readonly diffusionNorm: number;
  /** Of the model. */
  readonly prediction: Prediction;
  /** Of the plan. */
  readonly space: 'sample' | 'velocity';
}

/** Samples can be limited; velocities keep Heun's step well conditioned where little noise is left. */
const SPACES = { euler: 'sample', heun: 'velocity' } as const;

function eulerRows(points: readonly NoisePoint[], process: SdeProcess): PlanRow[] {
  return points.slice(1).map((to, index) => {
    const point = points[index] as NoisePoint;
    const update = eulerStage({
      drift: sdeDrift(point, process),
      dt: to.timestep - point.timestep,
    });
    return rowOf(point, process, { ...update, ...fixedNoise(stepStd(points, index, process)) });
  });
}

function heunRows(points: readonly NoisePoint[], process: SdeProcess): PlanRow[] {
  return points.slice(1).flatMap((to, index) => {
    const from = points[index] as NoisePoint;
    const dt = to.timestep - from.timestep;
    const [before, drift] = [sdeDrift(from, process), sdeDrift(to, process)];
    const isLast = index === points.length - 2;
    const nextStd = isLast ? 0 : stepStd(points, index + 1, process);
    return [
      rowOf(from, process, eulerStage({ drift: before, dt })),
      rowOf(to, process, { ...heunStage({ before, drift, dt }), ...fixedNoise(nextStd) }),
    ];
  });
}

function lastRow(options: {
  readonly point: NoisePoint;
  readonly lastStep: SitLastStep;
  readonly lastStepSize: number;
  readonly process: SdeProcess;
}): PlanRow | undefined {
  const { point, lastStep, lastStepSize, process } = options;
  const { space } = process;
  switch (lastStep) {
    case 'mean':
      return rowOf(
        point,
        process,
        eulerStage({ drift: sdeDrift(point, process), dt: lastStepSize }),
      );
    case 'euler': {
      const drift = convertPrediction({ from: space, to: 'velocity', point });
      return rowOf(point, process, eulerStage({ drift, dt: lastStepSize }));
    }
    case 'tweedie': {
      const { x, model } = convertPrediction({ from: space, to: 'sample', point });
      return rowOf(point, process, { carry: x, history: [model], ...fixedNoise(0) });
    }
    case 'none':
      return undefined;
  }
}

function rowOf(point: NoisePoint, { prediction, space }: SdeProcess, update: PlanUpdate): PlanRow {
  const toPrediction = convertPrediction({ from: prediction, to: space, point });
  return { timestep: point.timestep, toPrediction, ...update };
}

function fixedNoise(std: number): Pick<PlanUpdate, 'noise'> {
  return { noise: { kind: 'fixed', std } };
}

/** Velocity plus w times the score, which is `-noise / sigma`. */
function sdeDrift(point: NoisePoint, process: SdeProcess): Drift {
  const { space } = process;
  const velocity = convertPrediction({ from: space, to: 'velocity', point });
  const noise = convertPrediction({ from: space, to: 'epsilon', point });
  const pull = diffusionAt(point, process) / point.sigma;
  return { x: velocity.x - pull * noise.x, model: velocity.model - pull * noise.model };
}

/** Standard deviation of the noise of the step that starts at a point. */
function stepStd(points: readonly NoisePoint[], index: number, process: SdeProcess): number {
  const [from, to] = [points[index] as NoisePoint, points[index + 1] as NoisePoint];
  return Math.sqrt(2 * diffusionAt(from, process) * (to.timestep - from.timestep));
}

function diffusionAt(point: NoisePoint, { diffusion, diffusionNorm }: SdeProcess): number {
  return DIFFUSIONS[diffusion](point, diffusionNorm);
}

const DIFFUSIONS = {
  constant: (_: NoisePoint, norm: number) => norm,
  sbdm: ({ alpha, sigma, alphaSlope, sigmaSlope }: NoisePoint, norm: number) =>
    norm * ((alphaSlope / alpha) * sigma ** 2 - sigma * sigmaSlope),
  sigma: ({ sigma }: NoisePoint, norm: number) => norm * sigma,
  linear: ({ timestep }: NoisePoint, norm: number) => norm * (1 - timestep),
  decreasing: ({ timestep }: NoisePoint, norm: number) =>
    (norm * Math.cos(Math.PI * timestep) + 1) ** 2 / 4,
  'increasing-decreasing': ({ timestep }: NoisePoint, norm: number) =>
    norm * Math.sin(Math.PI * timestep) ** 2,
} as const;

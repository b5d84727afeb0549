import type { SamplerPlan } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { runPlan } from './__fixtures__/run-plan.js';
import { createSamplerPlan, type PlanOptions } from './diffusion/create-sampler-plan.js';
import { createDdimPlan } from './diffusion/ddim-plan.js';
import { createFlowEulerPlan, createFlowHeunPlan } from './flow/flow-plans.js';
import { linspace } from './numbers.js';
import type { NoiseLevel } from './schedules/noise-level.js';
import { alphaBars, type NoiseSchedule } from './schedules/noise-schedule.js';
import { createSitOdePlan, type SitPath, sitPoint } from './sit/sit-ode-plan.js';
import { createDpmSolverPlan, type DpmSolverPlanOptions } from './solvers/dpm-solver-plan.js';
import {
  createDpmSolverSinglestepPlan,
  type DpmSolverSinglestepPlanOptions,
} from './solvers/dpm-solver-singlestep-plan.js';
import { createSaSolverPlan, type SaSolverPlanOptions } from './solvers/sa-solver-plan.js';
import { createUniPcPlan, type UniPcPlanOptions } from './solvers/unipc-plan.js';

// Data drawn from N(MEAN, STD^2): the best denoiser is linear, and the probability flow keeps the standardised latent.
const MEAN = 0.8;
const STD = 0.5;
const START = 1.3;

/** Factors of sample and noise in a latent. */
interface Mix {
  readonly alpha: number;
  readonly sigma: number;
}

function denoise(x: number, { alpha, sigma }: Mix): number {
  const gain = (alpha * STD ** 2) / ((alpha * STD) ** 2 + sigma ** 2);
  return MEAN + gain * (x - alpha * MEAN);
}

function spread({ alpha, sigma }: Mix): number {
  return Math.hypot(alpha * STD, sigma);
}

function flow(x: number, from: Mix, to: Mix): number {
  return to.alpha * MEAN + (spread(to) / spread(from)) * (x - from.alpha * MEAN);
}

/** `levels` noise levels, evenly spaced in the log signal-to-noise ratio ln(alpha / sigma) from 3 down to -4. */
function logSnrSchedule(levels: number): NoiseSchedule {
  const shares = Array.from({ length: levels }, (_, t) => {
    const logSnr = 3 - (7 * t) / (levels - 1);
    return 1 / (1 + Math.exp(-2 * logSnr));
  });
  const betas = shares.map((alphaBar, t) => 1 - alphaBar / (shares[t - 1] ?? 1));
  return { name: 'log-snr', settings: {}, betas };
}

function mixesOf(schedule: NoiseSchedule): Mix[] {
  return alphaBars(schedule.betas).map((share) => ({
    alpha: Math.sqrt(share),
    sigma: Math.sqrt(1 - share),
  }));
}

type CreatePlan = (schedule: NoiseSchedule) => SamplerPlan;

/** Error at the least noisy level, where the last step starts. The model predicts samples. */
function errorOf(createPlan: CreatePlan, levels: number): number {
  const schedule = logSnrSchedule(levels);
  const mixes = mixesOf(schedule);
  const model = (x: readonly number[], t: number) => [denoise(x[0] as number, mixes[t] as Mix)];
  const states = runPlan({ plan: createPlan(schedule), latent: [START], model });
  const [reached] = states.at(-2) as readonly number[];
  const exact = flow(START, mixes.at(-1) as Mix, mixes[0] as Mix);
  return Math.abs((reached as number) - exact);
}

/** Levels whose steps but the last are multiples of 2 and 3, for methods that group them. */
const COARSE = 163;
const FINE = 325;

/** All levels of a schedule, for a model that predicts samples. */
function every(schedule: NoiseSchedule) {
  return { schedule, timesteps: schedule.betas.map((_, t) => t), prediction: 'sample' } as const;
}

const multistep =
  (own: Pick<DpmSolverPlanOptions, 'algorithm' | 'order' | 'solver'>): CreatePlan =>
  (schedule) =>
    createDpmSolverPlan({ ...every(schedule), lowerOrderFinal: false, ...own });
const singlestep =
  (own: Pick<DpmSolverSinglestepPlanOptions, 'algorithm' | 'order' | 'solver'>): CreatePlan =>
  (schedule) =>
    createDpmSolverSinglestepPlan({ ...every(schedule), ...own });
const unipc =
  (own: Pick<UniPcPlanOptions, 'order' | 'solver' | 'integrate' | 'uncorrected'>): CreatePlan =>
  (schedule) =>
    createUniPcPlan({ ...every(schedule), lowerOrderFinal: false, ...own });
const sa =
  (
    own: Pick<SaSolverPlanOptions, 'predictorOrder' | 'correctorOrder' | 'integrate' | 'tau'>,
  ): CreatePlan =>
  (schedule) =>
    createSaSolverPlan({ ...every(schedule), lowerOrderFinal: false, tau: () => 0, ...own });

/** Methods of an asserted order converge no slower, and no faster but for errors that happen to cancel. */
function expectOrder(createPlan: CreatePlan, order: number): void {
  const [coarse, fine] = [errorOf(createPlan, COARSE), errorOf(createPlan, FINE)];
  expect(Math.log2(coarse / fine)).toBeGreaterThan(order - 0.1);
  expect(Math.log2(coarse / fine)).toBeLessThan(order + 0.5);
  expect(fine).toBeLessThan(0.02 * 16 ** (1 - order));
}

describe('over the probability flow of a diffusion', () => {
  it('DDIM is of order 1', () => {
    expectOrder((schedule) => createDdimPlan({ schedule, steps: '', prediction: 'sample' }), 1);
  });

  it('a second-order rule of one own fits the seam of createSamplerPlan', () => {
    expectOrder((schedule) => createTwoStepPlan(every(schedule)), 2);
  });

  const algorithms = ['dpm-solver', 'dpm-solver++'] as const;
  const solvers = ['midpoint', 'heun'] as const;
  it.each(algorithms.flatMap((algorithm) => solvers.map((solver) => ({ algorithm, solver }))))(
    '$algorithm, $solver: order 1 to 3 singlestep, 1, 2 and 2 multistep',
    (options) => {
      for (const order of [1, 2, 3] as const) {
        expectOrder(singlestep({ ...options, order }), order);
        expectOrder(multistep({ ...options, order }), Math.min(order, 2));
      }
    },
  );

  it('the published rule of third-order groups is of order 3', () => {
    for (const algorithm of algorithms)
      expectOrder(singlestep({ algorithm, order: 3, solver: 'paper' }), 3);
  });

  it('the third-order multistep rule, though of order 2, errs less than the second-order one', () => {
    const [second, third] = ([2, 3] as const).map((order) => errorOf(multistep({ order }), FINE));
    expect(third).toBeLessThan(0.5 * (second as number));
  });

  it.each([1, 2, 3] as const)('UniPC %i is of that order, with its corrector one more', (order) => {
    for (const solver of ['bh1', 'bh2'] as const) {
      for (const integrate of ['sample', 'epsilon'] as const) {
        expectOrder(unipc({ order, solver, integrate, uncorrected: 'all' }), order);
        expectOrder(unipc({ order, solver, integrate }), order + 1);
      }
    }
  });

  it.each([1, 2, 3] as const)('SA-Solver %i is of the order of its better half', (order) => {
    const next = (order + 1) as 2 | 3 | 4;
    for (const integrate of ['sample', 'epsilon'] as const) {
      expectOrder(sa({ predictorOrder: order, correctorOrder: 0, integrate }), order);
      expectOrder(sa({ predictorOrder: order, correctorOrder: next, integrate }), order + 1);
    }
  });
});

describe('over the flow of a straight path', () => {
  const sigmasOf = (count: number) => linspace({ start: 0.95, stop: 0.05, count });
  const mix = (sigma: number): Mix => ({ alpha: 1 - sigma, sigma });

  /** Error at the lowest level, where the last step starts. */
  function flowError(create: typeof createFlowEulerPlan, count: number): number {
    const sigmas = sigmasOf(count);
    const plan = create({ sigmas, length: 1, prediction: 'sample' });
    const model = (x: readonly number[], time: number) => [denoise(x[0] as number, mix(time))];
    const [reached] = runPlan({ plan, latent: [START], model }).at(-2) as readonly number[];
    return Math.abs((reached as number) - flow(START, mix(0.95), mix(0.05)));
  }

  it.each([
    { name: 'Euler', create: createFlowEulerPlan, order: 1 },
    { name: 'Heun', create: createFlowHeunPlan, order: 2 },
  ])("$name's method is of order $order", ({ create, order }) => {
    const ratio = flowError(create, 81) / flowError(create, 161);
    expect(Math.log2(ratio)).toBeCloseTo(order, 1);
  });

  const paths: SitPath[] = ['linear', 'gvp'];
  it.each(paths)("SiT's %s path: Euler is of order 1, Heun of order 2", (path) => {
    const error = (method: 'euler' | 'heun', steps: number) => {
      const times = { start: 0.05, stop: 0.95 };
      const plan = createSitOdePlan({ path, method, steps, prediction: 'sample', ...times });
      const point = (time: number) => sitPoint({ path, time });
      const model = (x: readonly number[], time: number) => [denoise(x[0] as number, point(time))];
      const [reached] = runPlan({ plan, latent: [START], model }).at(-1) as readonly number[];
      return Math.abs((reached as number) - flow(START, point(times.start), point(times.stop)));
    };
    expect(Math.log2(error('euler', 80) / error('euler', 160))).toBeCloseTo(1, 1);
    expect(Math.log2(error('heun', 80) / error('heun', 160))).toBeCloseTo(2, 1);
  });
});

describe('the noise that stochastic methods add keeps the marginals', () => {
  /** Variance of the latent where the last step starts, for a first latent of the right variance. */
  function varianceError(createPlan: CreatePlan, levels: number): number {
    const schedule = logSnrSchedule(levels);
    const mixes = mixesOf(schedule);
    const plan = createPlan(schedule);
    // The plan is linear in the latent and in every draw, so that their effects add up.
    const model = (x: readonly number[], t: number) =>
      x.map((value) => denoise(value, mixes[t] as Mix));
    const draws = plan.steps.length - 1;
    const width = draws + 2;
    const unit = (i: number) => Array.from({ length: width }, (_, k) => (k === i ? 1 : 0));
    const first = spread(mixes.at(-1) as Mix);
    const noise = plan.steps.map((_, n) => unit(n + 2));
    const states = runPlan({ plan, latent: unit(1).map((x) => x * first), model, noise });
    const [mean = 0, ...effects] = states.at(-2) as readonly number[];
    const variance = effects.reduce((sum, effect) => sum + (effect - mean) ** 2, 0);
    return Math.abs(variance / spread(mixes[0] as Mix) ** 2 - 1);
  }

  const ancestral: CreatePlan = (schedule) =>
    createDdimPlan({ schedule, steps: '', prediction: 'sample', eta: 1 });
  const adams = { tau: () => 0.5, predictorOrder: 3, correctorOrder: 4 } as const;

  it.each<[string, number, CreatePlan]>([
    ['DDIM, eta 1', 1, ancestral],
    ['SDE-DPM-Solver++(1)', 1, multistep({ algorithm: 'sde-dpm-solver++', order: 1 })],
    ['SDE-DPM-Solver++(2M)', 2, multistep({ algorithm: 'sde-dpm-solver++', order: 2 })],
    ['SDE-DPM-Solver++(3M)', 2, multistep({ algorithm: 'sde-dpm-solver++', order: 3 })],
    ['SDE-DPM-Solver(2M)', 2, multistep({ algorithm: 'sde-dpm-solver', order: 2 })],
    // A group's last step draws anew for the whole group, so that its inner noise is lost.
    ['SDE-DPM-Solver++(2S)', 1, singlestep({ algorithm: 'sde-dpm-solver++', order: 2 })],
    ['SDE-DPM-Solver++(3S)', 1, singlestep({ algorithm: 'sde-dpm-solver++', order: 3 })],
    ['SA-Solver, tau 1', 2, sa({ tau: () => 1 })],
    ['SA-Solver, tau 0.5, orders 3 and 4', 2, sa(adams)],
  ])('%s, with a variance of order %i', (_, order, createPlan) => {
    const [coarse, fine] = [55, 109].map((levels) => varianceError(createPlan, levels)) as [
      number,
      number,
    ];
    expect(Math.log2(coarse / fine)).toBeGreaterThan(order - 0.3);
    expect(fine).toBeLessThan(0.2 * 16 ** (1 - order));
  });
});

/** DPM-Solver++(2M), Lu et al. (2022), Algorithm 2: the rule alone, to show what a sampler of one's own takes. */
function createTwoStepPlan(options: PlanOptions): SamplerPlan {
  return createSamplerPlan({
    sampler: 'two-step',
    options,
    settings: {},
    update: (level, index, levels) => {
      const before = levels[index - 1];
      const { carry, gain, width } = exponentialStep(level);
      const slope =
        before && level.alphaBarAfter < 1 ? width / exponentialStep(before).width / 2 : 0;
      const history = slope ? [gain * (1 + slope), -gain * slope] : [gain];
      return { carry, history, noise: { kind: 'fixed', std: 0 } };
    },
  });
}

function exponentialStep({ alphaBar, alphaBarAfter }: NoiseLevel) {
  const carry = Math.sqrt((1 - alphaBarAfter) / (1 - alphaBar));
  const gain = Math.sqrt(alphaBarAfter) - carry * Math.sqrt(alphaBar);
  const logSnr = (share: number) => Math.log(share / (1 - share)) / 2;
  return { carry, gain, width: logSnr(alphaBarAfter) - logSnr(alphaBar) };
}

import { ConfigError, planFingerprint, UnsupportedError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { processOfScheduler } from './diffusers-scheduler.js';
import { createDdimPlan, createDpmSolverPlan, createUniPcPlan } from './index.js';
import { createPlan, DIT_PROCESS, type ModelProcess, type SamplerOptions } from './registry.js';
import {
  createLinearSchedule,
  createScaledLinearSchedule,
  rescaleToZeroTerminalSnr,
} from './schedules/noise-schedule.js';

const source = 'model/scheduler/scheduler_config.json';
const PIXART_PROCESS: ModelProcess = { ...DIT_PROCESS, sampler: 'dpm-solver++' };

const processOf = (config: Readonly<Record<string, unknown>>, base = DIT_PROCESS) =>
  processOfScheduler({ config, source, base });

const planOf = (config: Readonly<Record<string, unknown>>, options: SamplerOptions = {}) =>
  createPlan({ steps: 20, ...options, process: processOf(config) });

/** As published beside DiT-XL/2. */
const DIT = {
  _class_name: 'DDIMScheduler',
  _diffusers_version: '0.12.0.dev0',
  beta_end: 0.02,
  beta_schedule: 'linear',
  beta_start: 0.0001,
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: 'epsilon',
  set_alpha_to_one: true,
  steps_offset: 0,
  trained_betas: null,
};

/** As published beside PixArt-Sigma. */
const PIXART = {
  _class_name: 'DPMSolverMultistepScheduler',
  _diffusers_version: '0.27.0.dev0',
  algorithm_type: 'dpmsolver++',
  beta_end: 0.02,
  beta_schedule: 'linear',
  beta_start: 0.0001,
  dynamic_thresholding_ratio: 0.995,
  euler_at_final: false,
  lambda_min_clipped: -Infinity,
  lower_order_final: true,
  num_train_timesteps: 1000,
  prediction_type: 'epsilon',
  sample_max_value: 1.0,
  solver_order: 2,
  solver_type: 'midpoint',
  steps_offset: 0,
  thresholding: false,
  timestep_spacing: 'linspace',
  trained_betas: null,
  use_karras_sigmas: false,
  use_lu_lambdas: false,
  variance_type: null,
};

/** A model of velocities, trained with a schedule that ends in noise. */
const VELOCITY = {
  ...DIT,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  prediction_type: 'v_prediction',
  rescale_betas_zero_snr: true,
  timestep_spacing: 'trailing',
};

describe('processOfScheduler', () => {
  it.each([
    ['DiT', DIT, DIT_PROCESS],
    ['PixArt-Sigma', PIXART, PIXART_PROCESS],
  ])('leaves the plans of %s as they are', (_name, config, base) => {
    for (const steps of ['20', '50']) {
      const [plan, plain] = [processOf(config, base), base].map((process) =>
        createPlan({ steps, process }),
      );
      expect(plan).toEqual(plain);
    }
  });

  it('says nothing if the file says nothing', () => {
    expect(processOf({})).toMatchObject(DIT_PROCESS);
    expect(planOf({})).toEqual(createPlan({ steps: 20, process: DIT_PROCESS }));
  });

  it('follows prediction, schedule, zero terminal SNR and spacing', () => {
    const schedule = rescaleToZeroTerminalSnr(createScaledLinearSchedule());
    const expected = createDdimPlan({
      steps: 20,
      spacing: 'trailing',
      prediction: 'velocity',
      schedule,
    });
    expect(planOf(VELOCITY)).toEqual(expected);
    expect(processOf(VELOCITY).prediction).toBe('velocity');
  });

  it('takes betas as diffusers does, which does not scale them to the length', () => {
    const { schedule } = processOf({ ...DIT, num_train_timesteps: 500, beta_end: 0.03 });
    const { betas } = schedule as ReturnType<typeof createLinearSchedule>;
    expect([betas.length, betas[0]]).toEqual([500, 0.0001]);
    expect(betas.at(-1)).toBeCloseTo(0.03, 15);
    const trained = processOf({ ...DIT, trained_betas: [0.1, 0.2] });
    expect(trained.schedule).toEqual({ name: 'trained', settings: {}, betas: [0.1, 0.2] });
  });

  it('follows the solver and its settings', () => {
    const config = {
      ...PIXART,
      algorithm_type: 'sde-dpmsolver++',
      solver_order: 3,
      solver_type: 'heun',
      euler_at_final: true,
      final_sigmas_type: 'sigma_min',
      lambda_min_clipped: -5.1,
    };
    const expected = createDpmSolverPlan({
      steps: 20,
      algorithm: 'sde-dpm-solver++',
      order: 3,
      solver: 'heun',
      eulerAtFinal: true,
      finalSigma: 'min',
      minLogSnr: -5.1,
    });
    expect(planFingerprint(planOf(config))).toBe(planFingerprint(expected));
  });

  it('follows UniPC with noise levels of Karras, which have no timestep spacing', () => {
    const config = {
      ...DIT,
      _class_name: 'UniPCMultistepScheduler',
      disable_corrector: [0],
      predict_x0: true,
      solver_order: 3,
      solver_p: null,
      solver_type: 'bh1',
      timestep_spacing: 'leading',
      use_karras_sigmas: true,
    };
    const { clip_sample: _, set_alpha_to_one: __, ...others } = config;
    const expected = createUniPcPlan({
      steps: 20,
      order: 3,
      solver: 'bh1',
      uncorrected: [0],
      integrate: 'sample',
      sigmaSpacing: 'karras',
    });
    expect(planFingerprint(planOf(others))).toBe(planFingerprint(expected));
  });

  it('adds the offset to leading timesteps, and to no others', () => {
    const config = { ...DIT, timestep_spacing: 'leading', steps_offset: 1 };
    const timesteps = (options?: SamplerOptions) =>
      planOf(config, { steps: 4, ...options }).steps.map(({ timestep }) => timestep);
    expect(timesteps()).toEqual([751, 501, 251, 1]);
    expect(timesteps({ spacing: 'trailing' })).toEqual([999, 749, 499, 249]);
    expect(timesteps({ steps: 'ddim4' })).toEqual(
      createDdimPlan({ steps: 'ddim4' }).steps.map(({ timestep }) => timestep),
    );
  });

  it('follows clipping and thresholding where the file asks for them', () => {
    expect(planOf({ ...DIT, clip_sample: true }).steps[0]?.clip).toEqual({ min: -1, max: 1 });
    const { threshold } =
      planOf({ ...DIT, thresholding: true, sample_max_value: 2 }).steps[0] ?? {};
    expect(threshold).toEqual({ ratio: 0.995, max: 2 });
  });

  it('lets options override', () => {
    const plan = planOf(VELOCITY, {
      sampler: 'dpm-solver++',
      prediction: 'sample',
      schedule: 'linear',
      spacing: 'linspace',
    });
    const expected = createDpmSolverPlan({
      steps: 20,
      prediction: 'sample',
      schedule: createLinearSchedule(),
      spacing: 'linspace',
    });
    expect(plan).toEqual(expected);
  });

  it.each([
    ['_class_name: "PNDMScheduler"', { ...DIT, _class_name: 'PNDMScheduler' }],
    ['set_alpha_to_one: false', { ...DIT, set_alpha_to_one: false }],
    [
      'variance_type: "fixed_small"',
      { ...DIT, _class_name: 'DDPMScheduler', variance_type: 'fixed_small' },
    ],
    ['use_lu_lambdas: true', { ...PIXART, use_lu_lambdas: true }],
    ['algorithm_type: "other"', { ...PIXART, algorithm_type: 'other' }],
    ['some_new_setting: 3', { ...DIT, some_new_setting: 3 }],
  ])('refuses %s by name, unless a sampler is named', (field, config) => {
    expect(() => planOf(config)).toThrow(UnsupportedError);
    expect(() => planOf(config)).toThrow(`does not support ${field}`);
    expect(planOf(config, { sampler: 'ddim' }).sampler).toBe('ddim');
  });

  it.each([
    ['prediction_type: "flow_prediction"', { prediction: 'velocity' }],
    ['beta_schedule: "sigmoid"', { schedule: 'linear' }],
    ['timestep_spacing: "other"', { spacing: 'linspace' }],
  ] as const)('refuses %s by name, unless %j', (field, option) => {
    const [key = '', value = ''] = field.split(': ');
    const config = { ...DIT, [key]: JSON.parse(value) };
    expect(() => planOf(config, { sampler: 'ddim' })).toThrow(UnsupportedError);
    expect(() => planOf(config, { sampler: 'ddim' })).toThrow(field);
    expect(planOf(config, option).sampler).toBe('ddim');
  });

  it('names every malformed value', () => {
    const config = { ...DIT, beta_start: '1e-4', clip_sample: 1, trained_betas: ['a'] };
    expect(() => processOf(config)).toThrow(ConfigError);
    expect(() => processOf(config)).toThrow(
      /beta_start: "1e-4"; expected a number; .*trained_betas: .*; clip_sample: 1; expected true or false/,
    );
  });
});

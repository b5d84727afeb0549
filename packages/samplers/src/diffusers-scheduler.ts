import { ConfigError, type Prediction } from '@harmonica/core';
import type { ModelProcess, RefusedField, SamplerName } from './registry.js';
import {
  createLinearSchedule,
  createScaledLinearSchedule,
  createSquaredCosineSchedule,
  type NoiseSchedule,
  rescaleToZeroTerminalSnr,
} from './schedules/noise-schedule.js';
import type { SamplerSettings } from './settings.js';

/** Options of {@link processOfScheduler}. */
export interface SchedulerFile {
  /** `scheduler_config.json`, parsed. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where it is from, for error messages. */
  readonly source: string;
  /** Of the model's family: what stands where the file says nothing. */
  readonly base: ModelProcess;
}

/**
 * What a scheduler of diffusers says of a diffusion model: the noise that it was trained with, what it predicts, the sampler
 * and its settings. What the file leaves out stays as the family has it. What no sampler here does becomes `refused`, for
 * {@link createPlan} to refuse unless an option says otherwise.
 *
 * @throws {@link ConfigError} naming each value that is not of the kind that diffusers writes
 */
export function processOfScheduler({ config, source, base }: SchedulerFile): ModelProcess {
  const fields = new SchedulerFields(config);
  const schedule = readSchedule(fields) ?? base.schedule;
  const prediction = readPrediction(fields);
  const shared = readShared(fields);
  const name = fields.text('_class_name') ?? '';
  const read = READERS[name];
  if (name !== '' && !read) {
    fields.refuse('_class_name', 'sampler');
    fields.ignore(...Object.keys(config)); // they may mean anything to a class that is not known
  }
  const { sampler = base.sampler, ...own } = read?.(fields) ?? {};
  fields.finish(source);
  return {
    ...base,
    sampler,
    ...(schedule && { schedule }),
    ...(prediction && { prediction }),
    configured: {
      source,
      settings: shared,
      own: { sampler, settings: own },
      refused: fields.refused,
    },
  };
}

/** The keys of a configuration. What is neither taken nor empty when all is read is refused. */
class SchedulerFields {
  readonly refused: RefusedField[] = [];
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #rest: Set<string>;
  readonly #issues: { path: string; message: string }[] = [];

  constructor(config: Readonly<Record<string, unknown>>) {
    this.#config = config;
    this.#rest = new Set(Object.keys(config));
  }

  number(key: string): number | undefined {
    return this.#take(key, 'a number', (value) => typeof value === 'number');
  }

  flag(key: string): boolean | undefined {
    return this.#take(key, 'true or false', (value) => typeof value === 'boolean');
  }

  text(key: string): string | undefined {
    return this.#take(key, 'a text', (value) => typeof value === 'string');
  }

  numbers(key: string): readonly number[] | undefined {
    return this.#take(
      key,
      'a list of numbers',
      (value) => Array.isArray(value) && value.every((item) => typeof item === 'number'),
    );
  }

  /** What a text of the file is called here. A text that is none of `names` is refused. */
  choice<T>(
    key: string,
    names: Readonly<Record<string, T>>,
    option: RefusedField['option'] = 'sampler',
  ): T | undefined {
    const text = this.text(key);
    if (text !== undefined && !Object.hasOwn(names, text)) this.refuse(key, option);
    return text === undefined ? undefined : names[text];
  }

  /** Refuses a key that is `value`. */
  refuseIf(key: string, value: boolean, option: RefusedField['option'] = 'sampler'): void {
    if (this.flag(key) === value) this.refuse(key, option);
  }

  refuse(key: string, option: RefusedField['option']): void {
    this.refused.push({ field: `${key}: ${JSON.stringify(this.#config[key])}`, option });
  }

  /** Takes keys that have no effect here. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.#rest.delete(key);
  }

  /** @throws {@link ConfigError} */
  finish(source: string): void {
    for (const key of this.#rest) {
      const value = this.#config[key];
      if (value !== null && value !== false) this.refuse(key, 'sampler');
    }
    if (this.#issues.length > 0) throw new ConfigError({ source, issues: this.#issues });
  }

  #take<T>(key: string, expected: string, fits: (value: unknown) => boolean): T | undefined {
    this.#rest.delete(key);
    const value = this.#config[key] ?? undefined;
    if (value === undefined || fits(value)) return value as T | undefined;
    this.#issues.push({ path: key, message: `${JSON.stringify(value)}; expected ${expected}` });
    return undefined;
  }
}

type BetaRange = Required<NonNullable<Parameters<typeof createLinearSchedule>[0]>>;

const BETA_SCHEDULES: Readonly<Record<string, (range: BetaRange) => NoiseSchedule>> = {
  // diffusers does not scale betas to the length, as the function does.
  linear: ({ length, betaStart, betaEnd }) => {
    const scale = length / 1000;
    return createLinearSchedule({
      length,
      betaStart: scale * betaStart,
      betaEnd: scale * betaEnd,
    });
  },
  scaled_linear: createScaledLinearSchedule,
  squaredcos_cap_v2: ({ length }) => createSquaredCosineSchedule({ length }),
};

/** Undefined if the file says nothing of it. */
function readSchedule(fields: SchedulerFields): NoiseSchedule | undefined {
  const length = fields.number('num_train_timesteps');
  const betaStart = fields.number('beta_start');
  const betaEnd = fields.number('beta_end');
  const name = fields.text('beta_schedule');
  const betas = fields.numbers('trained_betas');
  const isRescaled = fields.flag('rescale_betas_zero_snr') === true;
  const isSilent = [length, betaStart, betaEnd, name, betas].every((value) => value === undefined);
  const create = BETA_SCHEDULES[name ?? 'linear'];
  if (!create && !betas) fields.refuse('beta_schedule', 'schedule');
  if ((isSilent && !isRescaled) || (!create && !betas)) return undefined;
  const schedule = betas
    ? { name: 'trained', settings: {}, betas }
    : create?.({
        length: length ?? 1000,
        betaStart: betaStart ?? 1e-4,
        betaEnd: betaEnd ?? 2e-2,
      });
  return schedule && isRescaled ? rescaleToZeroTerminalSnr(schedule) : schedule;
}

const PREDICTIONS = { epsilon: 'epsilon', v_prediction: 'velocity', sample: 'sample' } as const;

function readPrediction(fields: SchedulerFields): Prediction | undefined {
  return fields.choice('prediction_type', PREDICTIONS, 'prediction');
}

/** Settings of any sampler. */
function readShared(fields: SchedulerFields): SamplerSettings {
  const spacing = fields.choice(
    'timestep_spacing',
    { leading: 'leading', trailing: 'trailing', linspace: 'linspace' } as const,
    'spacing',
  );
  const stepsOffset = fields.number('steps_offset');
  const ratio = fields.number('dynamic_thresholding_ratio') ?? 0.995;
  const max = fields.number('sample_max_value') ?? 1;
  fields.ignore('_diffusers_version');
  return given({
    spacing,
    stepsOffset: spacing === 'leading' ? stepsOffset : undefined,
    dynamicThreshold: fields.flag('thresholding') ? { ratio, max } : undefined,
  });
}

type SamplerChoice = SamplerSettings & { readonly sampler?: SamplerName | undefined };

/** The schedulers of diffusers whose samplers are here, by class. */
const READERS: Readonly<Record<string, (fields: SchedulerFields) => SamplerChoice>> = {
  DDIMScheduler: (fields) => {
    fields.refuseIf('set_alpha_to_one', false);
    return { sampler: 'ddim', ...readClip(fields) };
  },
  DDPMScheduler: (fields) => {
    const sampler = fields.choice('variance_type', {
      fixed_large: 'ddpm',
      learned_range: 'iddpm',
    } as const);
    return { sampler: sampler ?? 'ddpm', ...readClip(fields) };
  },
  DPMSolverMultistepScheduler: (fields) => ({
    sampler: fields.choice('algorithm_type', {
      dpmsolver: 'dpm-solver',
      'dpmsolver++': 'dpm-solver++',
      'sde-dpmsolver': 'sde-dpm-solver',
      'sde-dpmsolver++': 'sde-dpm-solver++',
    } as const),
    ...readDpmSolver(fields),
    ...given({ eulerAtFinal: fields.flag('euler_at_final') }),
  }),
  DPMSolverSinglestepScheduler: (fields) => ({
    sampler: fields.choice('algorithm_type', {
      dpmsolver: 'dpm-solver-singlestep',
      'dpmsolver++': 'dpm-solver++-singlestep',
      'sde-dpmsolver++': 'sde-dpm-solver++-singlestep',
    } as const),
    ...readDpmSolver(fields),
  }),
  UniPCMultistepScheduler: (fields) => {
    const isSample = fields.flag('predict_x0');
    const uncorrected = fields.numbers('disable_corrector');
    if (fields.text('solver_p') !== undefined) fields.refuse('solver_p', 'sampler');
    return {
      sampler: 'unipc',
      ...readSolver(fields),
      ...given({
        solver: fields.choice('solver_type', { bh1: 'bh1', bh2: 'bh2' } as const),
        integrate: isSample === undefined ? undefined : isSample ? 'sample' : 'epsilon',
        uncorrected: uncorrected?.length === 0 ? undefined : uncorrected,
      }),
    };
  },
};

/** Clipping is on in diffusers unless a file says otherwise, here only if it says so. */
function readClip(fields: SchedulerFields): SamplerSettings {
  const range = fields.number('clip_sample_range') ?? 1;
  return fields.flag('clip_sample') ? { clip: range } : {};
}

function readDpmSolver(fields: SchedulerFields): SamplerSettings {
  const solver = fields.choice('solver_type', { midpoint: 'midpoint', heun: 'heun' } as const);
  fields.ignore('variance_type'); // the learned variance is not used
  const minLogSnr = fields.number('lambda_min_clipped');
  return {
    ...readSolver(fields),
    ...given({ solver, minLogSnr: Number.isFinite(minLogSnr) ? minLogSnr : undefined }),
  };
}

const SIGMA_SPACINGS = {
  use_karras_sigmas: 'karras',
  use_exponential_sigmas: 'exponential',
  use_beta_sigmas: 'beta',
} as const;

/** What solvers of diffusers have in common. */
function readSolver(fields: SchedulerFields): SamplerSettings {
  const spacings = Object.entries(SIGMA_SPACINGS).filter(([key]) => fields.flag(key));
  if (fields.flag('use_flow_sigmas') !== true) fields.ignore('flow_shift');
  fields.refuseIf('use_flow_sigmas', true);
  fields.refuseIf('use_lu_lambdas', true);
  return given({
    order: fields.number('solver_order'),
    lowerOrderFinal: fields.flag('lower_order_final'),
    finalSigma: fields.choice('final_sigmas_type', { zero: 'zero', sigma_min: 'min' } as const),
    sigmaSpacing: spacings[0]?.[1],
  });
}

function given(settings: SamplerSettings): SamplerSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

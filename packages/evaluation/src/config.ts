import { parseJson } from '@harmonica/core';
import { SAMPLER_NAMES, SETTING_NAMES } from '@harmonica/samplers';
import { z } from 'zod';

/** What `harmonica eval` measures. */
export const METRIC_NAMES = [
  'psnr',
  'ssim',
  'feature-distance',
  'fid',
  'sfid',
  'is',
  'precision-recall',
  'kid',
] as const;

/** A name of {@link METRIC_NAMES}. */
export type MetricName = (typeof METRIC_NAMES)[number];

/** The metrics that have no value without a reference. */
const REFERENCE_METRICS: readonly MetricName[] = ['fid', 'sfid', 'precision-recall', 'kid'];

/** A sampler, its steps and its settings, as the options of the command name them. */
export interface PlanConfig {
  /** Default: that of the group, else the model's. */
  readonly sampler?: (typeof SAMPLER_NAMES)[number] | undefined;
  /** Default: those of the group. */
  readonly steps?: number | string | undefined;
  /** By the name of the option without dashes (`stepsOffset`); values as the command takes them. */
  readonly settings?: Readonly<Record<string, string | number>> | undefined;
}

/** A setting that is tuned until a row is as fast as was asked for. */
export interface KnobConfig {
  /** Of the policy, such as `interval` or `threshold`; `steps` for an uncached run. */
  readonly setting: string;
  /** Values to choose from, from the slowest to the quickest. */
  readonly values?: readonly number[] | undefined;
  /** A range instead: from the slowest value to the quickest. */
  readonly range?: readonly [slowest: number, quickest: number] | undefined;
}

/** A way to sample that is scored against the uncached run of its group. */
export interface RowConfig extends PlanConfig {
  /** Default: made of policy, sampler and steps. */
  readonly name?: string | undefined;
  /** What a curve connects. Default: the policy without its settings, or the sampler. */
  readonly method?: string | undefined;
  /** As `parsePolicySpec` takes it. Default `none`. */
  readonly policy?: string | Readonly<Record<string, unknown>> | undefined;
  /** Makes one row for each of the group's `speedUps`, named after it. */
  readonly knob?: KnobConfig | undefined;
}

/** Rows that are compared with one uncached run. */
export interface GroupConfig extends PlanConfig {
  readonly name?: string | undefined;
  readonly steps: number | string;
  /** Measured speed-ups to which rows with a knob are tuned. */
  readonly speedUps?: readonly number[] | undefined;
  readonly rows: readonly RowConfig[];
}

/** An uncached run of the model. */
export type RunConfig = PlanConfig & { readonly steps: number | string };

/** The set that distributions are compared with. */
export type ReferenceConfig =
  /** A folder of PNG files of one size. */
  | { readonly images: string }
  /** A statistics file of the same extractor; precision, recall and KID need images. */
  | { readonly statistics: string }
  /** An uncached run of the model with the same seeds. */
  | RunConfig;

/** A `harmonica eval` configuration. Files are relative to the folder that the command runs in. */
export interface EvalConfig {
  readonly model: string;
  readonly architecture?: string | undefined;
  readonly part?: string | undefined;
  readonly vae?: string | undefined;
  readonly vaeScale?: number | undefined;
  readonly promptsFile?: string | undefined;
  readonly guidance?: number | undefined;
  readonly guidedChannels?: number | 'all' | undefined;
  /** Images of every row: one for each seed, all classes or prompts in turn. */
  readonly images: number;
  /** The first seed; the others follow one by one. Integer of at least 0. Default 0. */
  readonly seeds?: number | undefined;
  /** Classes or prompts. Default: all. */
  readonly classes?: readonly string[] | undefined;
  /** Images at a time. Part of what a row's result depends on in its last bits. */
  readonly batch: number;
  readonly groups: readonly GroupConfig[];
  readonly reference?: ReferenceConfig | undefined;
  /** A run of many steps that images are compared with one by one. Default: the reference, if that is a run. */
  readonly target?: RunConfig | undefined;
  readonly metrics: readonly MetricName[];
  /** `nsfwjs`, or the file of the common PyTorch FID checkpoint. */
  readonly extractor: string;
  /** False: nothing is timed. */
  readonly latency: { readonly batch: number; readonly repeats: number } | false;
  /** Images of each row in the report. */
  readonly shown: number;
}

/** A configuration of its text. @throws {@link ConfigError} naming every unknown key and wrong value */
export function parseEvalConfig(text: string, source = 'configuration'): EvalConfig {
  return parseJson({ source, text, schema: evalConfigSchema() });
}

function evalConfigSchema(): z.ZodType<EvalConfig> {
  const count = z.int().positive();
  const steps = z.union([count, z.string().min(1)]);
  const plan = {
    sampler: z.enum(SAMPLER_NAMES).optional(),
    settings: z.partialRecord(z.enum(SETTING_NAMES), z.union([z.string(), z.number()])).optional(),
  };
  const knob = z
    .strictObject({
      setting: z.string().min(1),
      values: z.array(z.number()).min(1).optional(),
      range: z.tuple([z.number(), z.number()]).optional(),
    })
    .refine(({ values, range }) => (values === undefined) !== (range === undefined), {
      message: 'expected values or a range, not both',
    })
    .refine(
      ({ setting, values, range }) =>
        setting !== 'steps' || (values ?? range ?? []).every(Number.isInteger),
      { message: 'expected whole numbers, because steps are counted' },
    );
  const row = z.strictObject({
    ...plan,
    steps: steps.optional(),
    name: z.string().min(1).optional(),
    method: z.string().min(1).optional(),
    policy: z.union([z.string().min(1), z.record(z.string(), z.unknown())]).optional(),
    knob: knob.optional(),
  });
  const run = z.strictObject({ ...plan, steps });
  const group = z
    .strictObject({
      ...plan,
      steps,
      name: z.string().min(1).optional(),
      speedUps: z.array(z.number().gt(1)).min(1).optional(),
      rows: z.array(row),
    })
    .refine(({ speedUps, rows }) => speedUps !== undefined || rows.every((each) => !each.knob), {
      message: 'expected speedUps, because a row has a knob',
    });
  const config = z.strictObject({
    model: z.string().min(1).default('emoji-dit'),
    architecture: z.string().optional(),
    part: z.string().optional(),
    vae: z.string().optional(),
    vaeScale: z.number().positive().optional(),
    promptsFile: z.string().optional(),
    guidance: z.number().optional(),
    guidedChannels: z.union([z.literal('all'), count]).optional(),
    images: count,
    seeds: z.int().nonnegative().optional(),
    classes: z.array(z.string()).min(1).optional(),
    batch: count.default(16),
    groups: z.array(group).min(1),
    reference: z
      .union([
        z.strictObject({ images: z.string().min(1) }),
        z.strictObject({ statistics: z.string().min(1) }),
        run,
      ])
      .optional(),
    target: run.optional(),
    metrics: z.array(z.enum(METRIC_NAMES)).default(['psnr', 'ssim']),
    extractor: z.string().min(1).default('nsfwjs'),
    latency: z
      .union([
        z.literal(false),
        z.strictObject({ batch: count.default(8), repeats: count.default(5) }),
      ])
      .default({ batch: 8, repeats: 5 }),
    shown: count.default(8),
  });
  const isTunable = ({ latency, groups }: z.output<typeof config>) =>
    latency !== false || groups.every(({ rows }) => rows.every((each) => !each.knob));
  const isComparable = ({ reference, metrics }: z.output<typeof config>) =>
    reference !== undefined || !metrics.some((metric) => REFERENCE_METRICS.includes(metric));
  return config
    .refine(isTunable, {
      path: ['latency'],
      message: 'expected a batch and repeats, because a row has a knob and has to be timed',
    })
    .refine(isComparable, {
      path: ['reference'],
      message: `expected one, because ${REFERENCE_METRICS.join(', ')} compare distributions with it: a folder of images, a statistics file, or a run such as { "steps": 100 }`,
    }) as unknown as z.ZodType<EvalConfig>;
}

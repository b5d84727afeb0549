import { parseJson } from '@harmonica/core';
import { INCEPTION_DIMENSIONS } from '@harmonica/metrics';
import { SAMPLER_NAMES, SETTING_NAMES } from '@harmonica/samplers';
import { z } from 'zod';

/** What a metric is made from. */
interface MetricNeeds {
  /** The output of an extractor whose mean and covariance it compares with those of the reference. */
  readonly statistics?: 'features' | 'spatial';
  /** The output of an extractor that it needs of single images. */
  readonly images?: 'features' | 'logits';
  /** Whether it compares the features of many single images at once with those of the reference. */
  readonly comparesSets?: boolean;
  /** Images without which it has no value: as many as features, more than neighbours, pairs. Default 1. */
  readonly least?: number;
}

const METRICS = {
  psnr: {},
  ssim: {},
  'feature-distance': { images: 'features' },
  fid: { statistics: 'features', least: INCEPTION_DIMENSIONS.features },
  sfid: { statistics: 'spatial', least: INCEPTION_DIMENSIONS.spatial },
  is: { images: 'logits' },
  'precision-recall': { images: 'features', comparesSets: true, least: 4 },
  kid: { images: 'features', comparesSets: true, least: 2 },
} as const satisfies Readonly<Record<string, MetricNeeds>>;

/** A metric of `harmonica eval`. */
export type MetricName = keyof typeof METRICS;

/** What `harmonica eval` measures. */
export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];

/** What a metric is made from. */
export function needsOf(metric: MetricName): MetricNeeds {
  return METRICS[metric];
}

/** A `harmonica eval` configuration. Files are relative to the folder that the command runs in. @interface */
export type EvalConfig = z.output<ReturnType<typeof evalConfigSchema>>;

/** Rows that are compared with one uncached run. @interface */
export type GroupConfig = EvalConfig['groups'][number];

/** A way to sample that is scored against the uncached run of its group. @interface */
export type RowConfig = GroupConfig['rows'][number];

/** A setting that is tuned until a row is as fast as was asked for. @interface */
export type KnobConfig = NonNullable<RowConfig['knob']>;

/** A sampler, its steps and its settings, as the options of the command name them. @interface */
export type PlanConfig = Pick<RowConfig, 'sampler' | 'steps' | 'settings'>;

/** A configuration of its text. @throws {@link ConfigError} naming every unknown key and wrong value */
export function parseEvalConfig(text: string, source = 'configuration'): EvalConfig {
  return parseJson({ source, text, schema: evalConfigSchema() });
}

function evalConfigSchema() {
  const count = z.int().positive();
  const steps = z.union([count, z.string().min(1)]);
  const plan = {
    /** Default: that of the group, else the model's. */
    sampler: z.enum(SAMPLER_NAMES).optional(),
    /** By the name of the option without dashes (`stepsOffset`); values as the command takes them. */
    settings: z.partialRecord(z.enum(SETTING_NAMES), z.union([z.string(), z.number()])).optional(),
  };
  const knob = z
    .strictObject({
      /** Of the policy, such as `interval` or `threshold`; `steps` for an uncached run. */
      setting: z.string().min(1),
      /** Values to choose from, from the slowest to the quickest. */
      values: z.array(z.number()).min(1).optional(),
      /** A range instead: from the slowest value to the quickest. */
      range: z.tuple([z.number(), z.number()]).readonly().optional(),
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
    /** Default: those of the group. */
    steps: steps.optional(),
    /** Default: made of policy, sampler and steps. */
    name: z.string().min(1).optional(),
    /** What a curve connects. Default: the policy without its settings, or the sampler. */
    method: z.string().min(1).optional(),
    /** As `parsePolicySpec` takes it. Default `none`. */
    policy: z.union([z.string().min(1), z.record(z.string(), z.unknown())]).optional(),
    /** Makes one row for each of the group's `speedUps`, named after it. */
    knob: knob.optional(),
  });
  /** An uncached run of the model. */
  const run = z.strictObject({ ...plan, steps });
  const group = z
    .strictObject({
      ...plan,
      steps,
      name: z.string().min(1).optional(),
      /** Measured speed-ups to which rows with a knob are tuned. */
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
    variant: z.string().optional(),
    vae: z.string().optional(),
    vaeScale: z.number().positive().optional(),
    promptsFile: z.string().optional(),
    guidance: z.number().optional(),
    guidedChannels: z.union([z.literal('all'), count]).optional(),
    /** Images of every row: one for each seed, all classes or prompts in turn. */
    images: count,
    /** The first seed; the others follow one by one. Default 0. */
    seeds: z.int().nonnegative().optional(),
    /** Classes or prompts. Default: all. */
    classes: z.array(z.string()).min(1).optional(),
    /** Images at a time. Part of what a row's result depends on in its last bits. */
    batch: count.default(16),
    groups: z.array(group).min(1),
    /** The set that distributions are compared with. */
    reference: z
      .union([
        /** A folder of PNG files of one size. */
        z.strictObject({ images: z.string().min(1) }),
        /** A statistics file of the same extractor; precision, recall and KID need images. */
        z.strictObject({ statistics: z.string().min(1) }),
        /** With the same seeds. */
        run,
      ])
      .optional(),
    /** A run of many steps that images are compared with one by one. Default: the reference, if that is a run. */
    target: run.optional(),
    metrics: z.array(z.enum(METRIC_NAMES)).default(['psnr', 'ssim']),
    /** `nsfwjs`, or the file of the common PyTorch FID checkpoint. */
    extractor: z.string().min(1).default('nsfwjs'),
    /** False: nothing is timed. */
    latency: z
      .union([
        z.literal(false),
        z.strictObject({ batch: count.default(8), repeats: count.default(5) }),
      ])
      .default({ batch: 8, repeats: 5 }),
    /** Images of each row in the report. */
    shown: count.default(8),
  });
  const isTunable = ({ latency, groups }: z.output<typeof config>) =>
    latency !== false || groups.every(({ rows }) => rows.every((each) => !each.knob));
  const comparing = METRIC_NAMES.filter((metric) => {
    const { statistics, comparesSets } = needsOf(metric);
    return statistics ?? comparesSets;
  });
  const isComparable = ({ reference, metrics }: z.output<typeof config>) =>
    reference !== undefined || !metrics.some((metric) => comparing.includes(metric));
  return config
    .refine(isTunable, {
      path: ['latency'],
      message: 'expected a batch and repeats, because a row has a knob and has to be timed',
    })
    .refine(isComparable, {
      path: ['reference'],
      message: `expected one, because ${comparing.join(', ')} compare distributions with it: a folder of images, a statistics file, or a run such as { "steps": 100 }`,
    });
}

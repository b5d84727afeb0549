import { type PlanStep, planFingerprint, type SamplerPlan, type StepNoise } from '@harmonica/core';
import { textTable } from '@harmonica/pictures';
import { createPlan, type SamplerOptions } from '@harmonica/samplers';
import type { Command } from 'commander';
import type { CommandContext } from '../cli-context.js';
import { addSamplerOptions } from '../options/option-groups.js';

/** `harmonica plan`: a sampler plan as a table or as JSON. */
export function addPlanCommand(program: Command, context: CommandContext): void {
  const command = program.command('plan').description('show what a sampler does, step by step');
  addSamplerOptions(command)
    .option('--json', 'as JSON')
    .action(() => {
      const options = command.opts<SamplerOptions & { readonly json?: boolean }>();
      const plan = createPlan(options);
      const text = options.json ? `${JSON.stringify(plan, null, 2)}\n` : describePlan(plan);
      context.stdout.write(text);
    });
}

function describePlan(plan: SamplerPlan): string {
  const settings = Object.entries(plan.settings)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key} ${value}`);
  const columns = columnsOf(plan);
  return [
    `${plan.sampler}, ${plan.steps.length} steps, model predicts ${plan.prediction}`,
    settings.join(', '),
    `fingerprint ${planFingerprint(plan)}`,
    '',
    'p[n] = (x to p) x + (model to p) m;  x = carry x + sum of p[n-j] and z[n-j] times their factors',
    '',
    textTable({
      head: ['step', ...columns.map(({ head }) => head)],
      rows: plan.steps.map((step, i) => [String(i), ...columns.map(({ text }) => text(step))]),
    }),
  ].join('\n');
}

interface Column {
  readonly head: string;
  readonly text: (step: PlanStep) => string;
}

/** Those that every plan has, and those of what some of its steps do. */
function columnsOf({ steps }: SamplerPlan): readonly Column[] {
  return [
    { head: 'time', text: ({ timestep }) => String(timestep) },
    { head: 'x to p', text: ({ toPrediction }) => format(toPrediction.x) },
    { head: 'model to p', text: ({ toPrediction }) => format(toPrediction.model) },
    ...(steps.some(({ clip }) => clip) ? [{ head: 'clip', text: describeClip }] : []),
    ...(steps.some(({ threshold }) => threshold)
      ? [{ head: 'threshold', text: describeThreshold }]
      : []),
    { head: 'carry', text: ({ carry }) => format(carry) },
    ...factorColumns({ name: 'p', from: 0, steps, factorsOf: ({ history }) => history }),
    { head: 'z[n]', text: ({ noise }) => describeNoise(noise) },
    ...factorColumns({ name: 'z', from: 1, steps, factorsOf: ({ noise }) => earlierOf(noise) }),
  ];
}

/** One column for each thing that is taken up again, the latest first. */
function factorColumns(options: {
  readonly name: string;
  /** How many steps ago the first one was made. */
  readonly from: number;
  readonly steps: readonly PlanStep[];
  readonly factorsOf: (step: PlanStep) => readonly number[];
}): readonly Column[] {
  const { name, from, steps, factorsOf } = options;
  const depth = Math.max(...steps.map((step) => factorsOf(step).length));
  return Array.from({ length: depth }, (_, j) => ({
    head: from + j === 0 ? `${name}[n]` : `${name}[n-${from + j}]`,
    text: (step) => format(factorsOf(step)[j] ?? 0),
  }));
}

function earlierOf(noise: StepNoise): readonly number[] {
  return noise.kind === 'fixed' ? (noise.earlier ?? []) : [];
}

function describeClip({ clip }: PlanStep): string {
  return clip ? `${clip.min}..${clip.max}` : '';
}

function describeThreshold({ threshold }: PlanStep): string {
  return threshold ? `${threshold.ratio}, ${threshold.max}` : '';
}

function describeNoise(noise: StepNoise): string {
  if (noise.kind === 'fixed') return format(noise.std);
  if (noise.scale === 0) return '0';
  const low = Math.exp(noise.minLogVariance / 2);
  const high = Math.exp(noise.maxLogVariance / 2);
  return `${format(low)}..${format(high)}`;
}

function format(value: number): string {
  return value === 0 ? '0' : value.toPrecision(5);
}

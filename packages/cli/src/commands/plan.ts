import { planFingerprint, type SamplerPlan, type StepNoise } from '@harmonica/core';
import type { Command } from 'commander';
import type { CliContext } from '../cli-context.js';
import { addSamplerOptions } from '../option-groups.js';
import { createPlan, type SamplerOptions } from '../sampler.js';
import { textTable } from '../text-table.js';

/** `harmonica plan`: a sampler plan as a table or as JSON. */
export function addPlanCommand(program: Command, context: CliContext): void {
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
  const depth = Math.max(...plan.steps.map(({ history }) => history.length));
  const history = Array.from({ length: depth }, (_, j) => (j === 0 ? 'p[n]' : `p[n-${j}]`));
  const settings = Object.entries(plan.settings)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key} ${value}`);
  const head = ['step', 'time', 'x to p', 'model to p', 'carry', ...history, 'noise'];
  const rows = plan.steps.map((step, i) => [
    String(i),
    String(step.timestep),
    format(step.toPrediction.x),
    format(step.toPrediction.model),
    format(step.carry),
    ...history.map((_, j) => format(step.history[j] ?? 0)),
    describeNoise(step.noise),
  ]);
  return [
    `${plan.sampler}, ${plan.steps.length} steps, model predicts ${plan.prediction}`,
    settings.join(', '),
    `fingerprint ${planFingerprint(plan)}`,
    '',
    'p[n] = (x to p) x + (model to p) m;  x = carry x + sum of p[n-j] times its factor + noise',
    '',
    textTable({ head, rows }),
  ].join('\n');
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

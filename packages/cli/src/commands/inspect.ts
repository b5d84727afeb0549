import type { BackboneSpec, CacheSchedule, PredictorChoice, Provenance } from '@harmonica/core';
import { heatMapOf, heatMapToPng, heatMapToSvg, heatMapToTerminal } from '@harmonica/pictures';
import {
  modelSpec,
  type NamedDocument,
  prepareFolderOf,
  readCacheDocument,
  writeOutput,
} from '@harmonica/pipeline';
import {
  assertScheduleFits,
  cacheStatistics,
  macsCostModel,
  theoreticalSpeedUp,
} from '@harmonica/router';
import type { Command } from 'commander';
import type { CommandContext } from '../cli-context.js';
import { addSpecOption } from '../options/option-groups.js';
import { terminalStyle } from '../terminal/terminal-style.js';

interface InspectOptions {
  readonly model?: string;
  readonly png?: string;
  readonly svg?: string;
}

/** `harmonica inspect`: what a router or schedule does and where it comes from. */
export function addInspectCommand(program: Command, context: CommandContext): void {
  const command = addSpecOption(program.command('inspect'))
    .description('show a router or schedule: what it saves, where, and where it comes from')
    .argument('<router>', 'a file, or the name of a router of emoji-dit')
    .option('--png <file>', 'write the heat map as PNG')
    .option('--svg <file>', 'write the heat map as SVG')
    .action((router: string) => inspect(router, command.opts<InspectOptions>(), context));
}

async function inspect(
  router: string,
  options: InspectOptions,
  { stdout }: CommandContext,
): Promise<void> {
  for (const path of [options.png, options.svg]) if (path) await prepareFolderOf(path);
  const named = await readCacheDocument(router);
  const { document, schedule } = named;
  const spec = await modelSpec({ model: options.model, provenance: document.provenance });
  assertScheduleFits(document, { spec, steps: document.steps });
  const map = heatMapOf({ document, branches: spec.branches });
  if (options.png) await writeOutput(options.png, await heatMapToPng(map));
  if (options.svg) await writeOutput(options.svg, await heatMapToSvg(map));
  stdout.write(describe(named, schedule, spec));
  stdout.write(`\n${heatMapToTerminal(map, terminalStyle(stdout))}`);
}

function describe({ name, document }: NamedDocument, schedule: CacheSchedule, spec: BackboneSpec) {
  const statistics = cacheStatistics({ schedule, branches: spec.branches });
  const speedUp = theoreticalSpeedUp({ schedule, cost: macsCostModel(spec) });
  const percent = (ratio: number) => `${(100 * ratio).toFixed(1)} %`;
  const kinds = Object.entries(statistics.byKind).map(
    ([kind, { ratio }]) => [`CUR of ${kind}`, percent(ratio)] as const,
  );
  const threshold =
    document.kind === 'router' ? [['threshold', String(document.threshold)] as const] : [];
  return definitionList([
    [document.kind === 'router' ? 'router' : 'schedule', name],
    ['steps x branches', `${document.steps} x ${document.branches}`],
    ['predictor', describePredictor(document.predictor)],
    ...threshold,
    ['CUR', percent(statistics.all.ratio)],
    ...kinds,
    ['speed-up by MACs', `${speedUp.toFixed(3)}x`],
    ['computed per step', statistics.byStep.map(({ total, reused }) => total - reused).join(' ')],
    ...describeProvenance(document.provenance),
  ]);
}

/** By runs of steps, such as `quadratic x 12, hold x 8`. */
function describePredictor(choice: PredictorChoice): string {
  if (typeof choice === 'string') return choice;
  const runs: { readonly name: string; count: number }[] = [];
  for (const name of choice) {
    const last = runs.at(-1);
    if (last?.name === name) last.count += 1;
    else runs.push({ name, count: 1 });
  }
  return `per step: ${runs.map(({ name, count }) => `${name} x ${count}`).join(', ')}`;
}

type Definition = readonly [term: string, text: string];

function describeProvenance(provenance: Provenance | undefined): readonly Definition[] {
  if (!provenance) return [['made for', 'nothing in particular']];
  const { model, sampler, guidance, latent, training } = provenance;
  const flat = training ? Object.entries(training) : [];
  const record = flat.map(
    ([key, value]): Definition => [
      `training ${key}`,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ],
  );
  return [
    ['model', `${model.name} (sha256 ${model.sha256})`],
    ['sampler', `${sampler.name}, ${sampler.steps} steps (plan ${sampler.planSha256})`],
    ['guidance', `${guidance.scale} on ${guidance.channels} channels`],
    ['latent', `${latent.height} x ${latent.width} x ${latent.channels}`],
    ...record,
  ];
}

function definitionList(definitions: readonly Definition[]): string {
  const width = Math.max(...definitions.map(([term]) => term.length));
  return definitions.map(([term, text]) => `${term.padEnd(width)}  ${text}\n`).join('');
}

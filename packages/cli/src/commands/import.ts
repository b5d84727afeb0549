import { InvalidArgumentError } from '@harmonica/core';
import {
  modelSpec,
  prepareFolderOf,
  resolveGuidance,
  weightFiles,
  writeOutput,
} from '@harmonica/pipeline';
import {
  assertScheduleFits,
  createProvenance,
  formatRouter,
  importOfficialRouter,
  officialRouterRows,
  toSchedule,
} from '@harmonica/router';
import { createPlan, SAMPLER_NAMES, type SamplerName } from '@harmonica/samplers';
import { hashFiles, openModel, openPyTorch } from '@harmonica/weights';
import type { Command } from 'commander';
import type { CommandContext } from '../cli-context.js';
import {
  channelsOption,
  choiceOption,
  integerOption,
  numberOption,
  OFFICIAL_FORMATS,
  OFFICIAL_KINDS,
  type OfficialKind,
} from '../options/option-values.js';
import { savingsOf } from '../terminal/schedule-report.js';

interface ImportOptions {
  readonly kind: OfficialKind;
  readonly out: string;
  readonly modelSha?: string;
  readonly weights?: string;
  readonly model: string;
  readonly latentSize?: number;
  readonly sampler: SamplerName;
  readonly guidance: number;
  readonly guidedChannels: number | 'all';
  readonly threshold: number;
}

/** `harmonica import`: a router of the official HarmoniCa or Learning-to-Cache code as a router of ours. */
export function addImportCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('import')
    .description('turn a router checkpoint of the official code into a router file')
    .argument('<router.pt>', 'checkpoint of HarmoniCa or Learning-to-Cache')
    .option('--kind <name>', 'harmonica or l2c', choiceOption(OFFICIAL_KINDS), 'harmonica')
    .option('--out <file>', 'the router', 'out/router.json')
    .option('--model-sha <hex>', 'hash of the model that it was trained for')
    .option('--weights <file>', 'the model itself, instead of its hash')
    .option('--model <name>', 'a size, emoji-dit or a folder like its weights', 'DiT-XL/2')
    .option('--latent-size <n>', '64 for 512 x 512 images (default: 32)', integerOption({ min: 1 }))
    .option('--sampler <name>', SAMPLER_NAMES.join(', '), choiceOption(SAMPLER_NAMES), 'ddim')
    .option('--guidance <x>', 'scale that it was trained with', numberOption(), 1.5)
    .option('--guided-channels <n>', 'all, or how many leading channels', channelsOption, 3)
    .option('--threshold <x>', 'scores above it compute', numberOption({ min: 0, max: 1 }), 0.1)
    .action(async (path: string) => {
      const options = command.opts<ImportOptions>();
      await prepareFolderOf(options.out);
      await importRouter(path, options, context);
    });
}

async function importRouter(
  path: string,
  options: ImportOptions,
  { stdout }: CommandContext,
): Promise<void> {
  const { model, latentSize, sampler, threshold, out } = options;
  const rows = officialRouterRows({ tensors: await routerTensors(path), path });
  const spec = await modelSpec({
    model,
    latent:
      latentSize === undefined ? undefined : { height: latentSize, width: latentSize, channels: 4 },
  });
  const router = importOfficialRouter({
    format: OFFICIAL_FORMATS[options.kind],
    rows,
    threshold,
    provenance: createProvenance({
      spec,
      modelSha256: await modelHash(options),
      plan: createPlan({ sampler, steps: String(rows.length) }),
      guidance: resolveGuidance({
        options,
        fallback: { scale: 1, channels: spec.latent.channels },
        latentChannels: spec.latent.channels,
      }),
      training: { importedFrom: options.kind, checkpointSha256: await hashFiles([path]) },
    }),
  });
  assertScheduleFits(router, { spec, steps: router.steps });
  await writeOutput(out, formatRouter(router));
  stdout.write(`${out}: ${savingsOf({ name: path, schedule: toSchedule(router), spec })}\n`);
}

/** The logits in a checkpoint, by name; the optimizer's tensors beside them are left where they are. */
async function routerTensors(path: string): Promise<Map<string, Float32Array>> {
  const source = await openPyTorch(path);
  try {
    const tensors = new Map<string, Float32Array>();
    for (const name of source.names) {
      if (name.endsWith('.prob')) tensors.set(name, await source.read(name));
    }
    return tensors;
  } finally {
    await source.close();
  }
}

/** Of what `--model` would load. */
async function hashWeights(path: string): Promise<string> {
  const { components, component } = await openModel(path);
  const name = components.includes('transformer') ? 'transformer' : undefined;
  return hashFiles(await weightFiles(component(name)));
}

async function modelHash({ modelSha, weights }: ImportOptions): Promise<string> {
  if (weights !== undefined) return hashWeights(weights);
  if (modelSha !== undefined && /^[0-9a-f]{64}$/.test(modelSha)) return modelSha;
  throw new InvalidArgumentError({
    argument: '--model-sha',
    value: modelSha,
    expected: '64 hexadecimal digits',
    fix: 'A router belongs to one model: give its hash, or its file with --weights.',
  });
}

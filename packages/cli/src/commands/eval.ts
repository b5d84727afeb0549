import { join } from 'node:path';
import { ConfigError } from '@harmonica/core';
import {
  assertEnoughImages,
  checkPolicies,
  checkReference,
  costFigure,
  createBenchRecord,
  curveFigures,
  type EvalConfig,
  evalReport,
  type FigureSection,
  type FinishedEval,
  latexTable,
  markdownTables,
  outputsFor,
  readEvalConfig,
  rowFigures,
  rowRecord,
  runEval,
  runEvalShare,
  type Share,
  shareName,
  withExtractor,
} from '@harmonica/evaluation';
import { prepareFolder, writeOutput } from '@harmonica/pipeline';
import type { Command } from 'commander';
import type { CommandContext } from '../cli-context.js';
import type { GlobalOptions } from '../options/option-groups.js';
import { shareOption } from '../options/option-values.js';
import { usePipeline } from '../terminal/use-pipeline.js';

interface EvalOptions extends GlobalOptions {
  readonly out: string;
  readonly share?: Share | undefined;
}

/** Options of {@link addEvalCommand}. */
export interface AddEvalCommandOptions {
  readonly program: Command;
  readonly context: CommandContext;
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
}

/** `harmonica eval`: any number of caching methods, samplers and steps on one model, scored and timed alike. */
export function addEvalCommand({ program, context, argv }: AddEvalCommandOptions): void {
  const command = program
    .command('eval')
    .description(
      'compare caching methods, samplers and steps on one model, as a configuration says',
    )
    .argument('<config>', 'JSON file')
    .option('--out <folder>', 'where the report and all that is kept go', 'out/eval')
    .option(
      '--share <i/n>',
      'do one part of the work, such as 2/5, while other processes do the others in the same folder',
      shareOption,
    )
    .action(async (path: string) => {
      const options = command.optsWithGlobals<EvalOptions>();
      const config = await readEvalConfig(path);
      assertEnoughImages(config);
      checkPolicies(config);
      await checkReference(config);
      await prepareFolder(options.out);
      const finished = await evaluate({ config, options, context, argv });
      context.stdout.write(finished);
    });
}

async function evaluate(input: {
  readonly config: EvalConfig;
  readonly options: EvalOptions;
  readonly context: CommandContext;
  readonly argv: readonly string[];
}): Promise<string> {
  const { config, options, context, argv } = input;
  const { signal, onProgress } = context;
  const { model, architecture, part, vae, vaeScale, promptsFile } = config;
  const named = { model, architecture, part, vae, vaeScale, promptsFile };
  return usePipeline({
    options: { ...options, ...named },
    context,
    use: (pipeline) => {
      if (!pipeline.decoder) throw withoutImages(model);
      return withExtractor({
        name: config.extractor,
        outputs: outputsFor(config.metrics),
        backend: pipeline.backend,
        signal,
        use: async (extractor) => {
          const folder = join(options.out, 'kept');
          const run = { config, pipeline, extractor, folder, signal, onProgress };
          const { share } = options;
          if (share) {
            await runEvalShare({ ...run, share });
            return `share ${shareName(share)} is done; when all are: ${withoutShare(argv)}\n`;
          }
          const finished = await runEval(run);
          return publish({ finished, config, out: options.out, context, argv });
        },
      });
    },
  });
}

/** Writes `results.jsonl`, the tables, the curves and the report. */
async function publish(input: {
  readonly finished: FinishedEval;
  readonly config: EvalConfig;
  readonly out: string;
  readonly context: CommandContext;
  readonly argv: readonly string[];
}): Promise<string> {
  const { finished, config, out, context, argv } = input;
  const { signal, onProgress } = context;
  const { outcome, provenance } = finished;
  const { rows, images, ...settings } = outcome;
  const records = rows.map((row) =>
    createBenchRecord({
      name: row.name,
      argv,
      settings: { ...settings, config },
      results: rowRecord(row, images),
    }),
  );
  const lines = records.map(
    (record) => `${JSON.stringify({ ...record, kind: 'eval', provenance })}\n`,
  );
  await writeOutput(join(out, 'results.jsonl'), lines.join(''));
  const tables = markdownTables(outcome);
  await writeOutput(join(out, 'tables.md'), tables);
  await writeOutput(join(out, 'tables.tex'), latexTable(outcome));
  const curves = await curveFigures(outcome);
  await writeCurves(join(out, 'curves'), curves);
  const sections = [
    ...curves,
    ...(await rowFigures({ finished, shown: config.shown, signal, onProgress })),
    await costFigure(finished),
  ];
  const record = createBenchRecord({ name: 'eval', argv, settings: {}, results: null });
  await writeOutput(
    join(out, 'report.html'),
    evalReport({ outcome, sections, record, provenance }),
  );
  return `${tables}\nwritten to ${out}: report.html, results.jsonl, tables.md, tables.tex, curves/\n`;
}

/** Writes the figures that are files of their own. */
async function writeCurves(folder: string, sections: readonly FigureSection[]): Promise<void> {
  await prepareFolder(folder);
  for (const { file, content } of sections.flatMap(({ figures }) => figures)) {
    if (file) await writeOutput(join(folder, file), content);
  }
}

/** The command that goes on when all shares are done. */
function withoutShare(argv: readonly string[]): string {
  const rest = argv.filter((each, i) => !each.startsWith('--share') && argv[i - 1] !== '--share');
  return ['harmonica', ...rest].join(' ');
}

function withoutImages(model: string): ConfigError {
  const message = `${model} has no autoencoder beside it: name one, because images are compared`;
  return new ConfigError({ source: 'configuration', issues: [{ path: 'vae', message }] });
}

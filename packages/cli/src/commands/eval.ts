import { join } from 'node:path';
import {
  readEvalConfig,
  runEval,
  runEvalShare,
  type Share,
  shareName,
  writeEval,
} from '@harmonica/evaluation';
import { prepareFolder } from '@harmonica/pipeline';
import type { RecordedCommand } from '../cli-context.js';
import type { GlobalOptions } from '../options/option-groups.js';
import { shareOption } from '../options/option-values.js';
import { usePipeline } from '../terminal/use-pipeline.js';

interface EvalOptions extends GlobalOptions {
  readonly out: string;
  readonly share?: Share | undefined;
}

/** `harmonica eval`: any number of caching methods, samplers and steps on one model, scored and timed alike. */
export function addEvalCommand({ program, context, argv }: RecordedCommand): void {
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
      const { out, share } = options;
      await prepareFolder(out);
      const { signal, onProgress } = context;
      const { model, architecture, part, vae, vaeScale, promptsFile } = config;
      const named = { model, architecture, part, vae, vaeScale, promptsFile };
      await usePipeline({
        options: { ...options, ...named },
        context,
        use: async (pipeline) => {
          const run = { config, pipeline, folder: join(out, 'kept'), signal, onProgress };
          if (share) {
            await runEvalShare({ ...run, share });
            const next = withoutShare(argv);
            context.stdout.write(`share ${shareName(share)} is done; when all are: ${next}\n`);
            return;
          }
          const finished = await runEval(run);
          const tables = await writeEval({ finished, config, out, argv, signal, onProgress });
          const files = 'report.html, results.jsonl, tables.md, tables.tex, curves/';
          context.stdout.write(`${tables}\nwritten to ${out}: ${files}\n`);
        },
      });
    });
}

/** The command that goes on when all shares are done. */
function withoutShare(argv: readonly string[]): string {
  const rest = argv.filter((each, i) => !each.startsWith('--share') && argv[i - 1] !== '--share');
  return ['harmonica', ...rest].join(' ');
}

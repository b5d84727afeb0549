import { join } from 'node:path';
import { readEvalConfig, runEval, writeEval } from '@harmonica/evaluation';
import { withPipeline } from '@harmonica/pipeline';

/** What `harmonica eval <path> --out <out>` does: tables, curves and a report. Goes on where it was stopped. */
export async function compareMethods(path: string, out: string): Promise<string> {
  const config = await readEvalConfig(path);
  const { model, architecture, part, vae, vaeScale, promptsFile } = config;
  return withPipeline({
    ...{ model, architecture, part, vae, vaeScale, promptsFile },
    use: async (pipeline) => {
      const finished = await runEval({ config, pipeline, folder: join(out, 'kept') });
      return writeEval({ finished, config, out, argv: ['eval', path, '--out', out] });
    },
  });
}

if (import.meta.filename === process.argv[1]) {
  process.chdir('../..'); // configurations name files from the root of the checkout
  const [path = 'examples/compare-methods/emoji-dit.json', out = 'out/compare'] =
    process.argv.slice(2);
  console.log(await compareMethods(path, out));
}

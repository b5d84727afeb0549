import { InvalidArgumentError, type RouterFile } from '@harmonica/core';
import { prepareFolderOf, readCacheDocument } from '@harmonica/pipeline';
import { exportOfficialRouter } from '@harmonica/router';
import { writePyTorch } from '@harmonica/weights';
import type { Command } from 'commander';
import type { CommandContext } from '../cli-context.js';
import {
  choiceOption,
  OFFICIAL_FORMATS,
  OFFICIAL_KINDS,
  type OfficialKind,
} from '../options/option-values.js';

interface ExportOptions {
  readonly kind: OfficialKind;
  readonly out: string;
}

/** `harmonica export`: a router of ours as a checkpoint of the official HarmoniCa or Learning-to-Cache code. */
export function addExportCommand(program: Command, { stdout }: CommandContext): void {
  const command = program
    .command('export')
    .description(
      'turn a router that predicts by hold into a router checkpoint of the official code',
    )
    .argument('<router>', 'a file, or a name of emoji-dit')
    .option('--kind <name>', 'harmonica or l2c', choiceOption(OFFICIAL_KINDS), 'harmonica')
    .option('--out <file>', 'the checkpoint', 'out/router.pt')
    .action(async (file: string) => {
      const { kind, out } = command.opts<ExportOptions>();
      const router = await readRouter(file);
      const rows = exportOfficialRouter({ format: OFFICIAL_FORMATS[kind], router });
      const tensors = [...rows].map(
        ([name, data]) => [name, { shape: [data.length], data }] as const,
      );
      await prepareFolderOf(out);
      await writePyTorch(out, new Map([['routers', new Map(tensors)]]));
      const { steps, branches, threshold } = router;
      const size = `${steps} steps, ${branches} branches`;
      stdout.write(`${out}: ${size}; the official code samples with --thres ${threshold}\n`);
    });
}

async function readRouter(file: string): Promise<RouterFile> {
  const { document } = await readCacheDocument(file);
  if (document.kind === 'router') return document;
  throw new InvalidArgumentError({
    argument: file,
    value: 'a schedule',
    expected: 'a router, as official checkpoints hold its logits',
    fix: 'For SmoothCache, harmonica schedule export-smoothcache writes schedules too.',
  });
}

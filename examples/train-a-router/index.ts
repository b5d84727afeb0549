import { writeFile } from 'node:fs/promises';
import type { RouterFile } from '@harmonica/core';
import { loadEmojiDit } from '@harmonica/emoji-dit';
import { type HeatMap, heatMapOf, heatMapToPng, heatMapToTerminal } from '@harmonica/pictures';
import { createExecutor, selectBackend } from '@harmonica/pipeline';
import { createProvenance, formatRouter } from '@harmonica/router';
import { createDdimPlan } from '@harmonica/samplers';
import { defaultConfig, type TrainingConfig, trainRouter } from '@harmonica/sdt';

/** What to train, and where it goes. */
export interface TrainARouterOptions {
  /** Sampling steps of the router. Default 10. */
  readonly steps?: number;
  /** Settings that differ from `defaultConfig`. */
  readonly config?: Partial<TrainingConfig>;
  /** The router; its heat map goes beside it. */
  readonly out: string;
  /** A folder with another model like emoji-dit. */
  readonly folder?: string;
  /** Called after each update with the loss. */
  readonly onLoss?: (loss: number) => void;
}

/** A router, and the picture of its scores. */
export interface TrainedRouter {
  readonly router: RouterFile;
  readonly map: HeatMap;
}

/** Learns a router for DDIM on emoji-dit, and writes it with a picture of its scores. */
export async function trainARouter(options: TrainARouterOptions): Promise<TrainedRouter> {
  const { steps = 10, config, out, folder, onLoss } = options;
  const backend = await selectBackend();
  const model = await loadEmojiDit(folder === undefined ? {} : { folder });
  const executor = await createExecutor({ backbone: model.backbone, backend });
  const { spec } = executor;
  const plan = createDdimPlan({ steps });
  const guidance = { scale: 3, channels: spec.latent.channels };
  const router = await trainRouter({
    executor,
    plan,
    guidance,
    config: { ...defaultConfig, targetSpeedup: 1.4, ...config },
    provenance: createProvenance({ spec, modelSha256: model.sha256, plan, guidance }),
    onProgress: ({ loss }) => onLoss?.(loss),
  });
  await writeFile(out, formatRouter(router));
  const map = heatMapOf({ document: router, branches: spec.branches });
  await writeFile(out.replace(/(\.json)?$/, '.png'), heatMapToPng(map));
  await executor.dispose();
  model.dispose();
  return { router, map };
}

if (import.meta.filename === process.argv[1]) {
  let updates = 0;
  const { map } = await trainARouter({
    out: 'router.json',
    config: { iterations: 90 },
    onLoss: (loss) => console.log(`update ${++updates}: loss ${loss.toExponential(2)}`),
  });
  console.log(heatMapToTerminal(map, { color: process.stdout.isTTY ? 'truecolor' : 'none' }));
}

import { createExecutor, pixelImages, selectBackend } from '@harmonica/cli';
import { type CacheMethod, type CachePolicy, generate } from '@harmonica/core';
import { loadEmojiDit } from '@harmonica/emoji-dit';
import { meanPsnr, type PixelImage } from '@harmonica/metrics';
import { compileFunction } from '@harmonica/onnx';
import { fixedIntervalSchedule, linearPredictor, withCache, withPolicy } from '@harmonica/router';
import { createDdimPlan, createDdpmPlan } from '@harmonica/samplers';
import { dispose, tensor1d } from '@tensorflow/tfjs-core';

/** How one sampler and one cache policy do together, on the same seeds. */
export interface Mix {
  readonly sampler: string;
  readonly policy: string;
  /** Share of branch calls that were predicted. */
  readonly cacheUtilization: number;
  /** Mean PSNR to the uncached images of the same sampler, in dB; infinite where all are identical. */
  readonly psnrDb: number;
}

/** A policy of your own: attention every second step, MLPs always. */
const attentionEverySecond: CachePolicy = {
  name: 'attention every 2nd',
  decide: (step, { kind }) => (kind === 'mlp' || step % 2 === 0 ? 'compute' : 'predict'),
};

/** Runs one backbone with every sampler and every policy. `folder` holds another model like emoji-dit. */
export async function mixSamplersAndRouters(steps: number, folder?: string): Promise<Mix[]> {
  await selectBackend({ name: 'onnx' });
  const model = await loadEmojiDit(folder === undefined ? {} : { folder });
  const executor = await createExecutor({ backbone: model.backbone, backend: 'onnx' });
  const decode = compileFunction(model.decode);
  const { branches, latent: size } = executor.spec;
  const samplers = {
    DDIM: createDdimPlan({ steps }),
    'DDIM, eta 0.5': createDdimPlan({ steps, eta: 0.5 }),
    IDDPM: createDdpmPlan({ steps, variance: 'learned-range' }),
  };
  const interval = { steps, branches, interval: 2 };
  const forecast = {
    ...interval,
    align: 'first',
    initialSteps: 2,
    predictor: 'quadratic',
  } as const;
  const policies: Record<string, CacheMethod | undefined> = {
    none: undefined,
    'interval 2, hold': withCache({ schedule: fixedIntervalSchedule(interval) }),
    'interval 2, quadratic': withCache({ schedule: fixedIntervalSchedule(forecast) }),
    [attentionEverySecond.name]: withPolicy({
      policy: attentionEverySecond,
      predictor: linearPredictor,
    }),
  };
  const labels = tensor1d([0, 1, 2, 3], 'int32');
  const mixes: Mix[] = [];
  for (const [sampler, plan] of Object.entries(samplers)) {
    let references: PixelImage[] | undefined;
    for (const [policy, cache] of Object.entries(policies)) {
      const guidance = { scale: 3, channels: size.channels };
      const condition = { labels };
      const run = { executor, plan, condition, seeds: [1, 2, 3, 4], guidance };
      const { latent, decisions } = await generate({ ...run, ...(cache && { cache }) });
      const decoded = await decode(latent);
      const images = await pixelImages(decoded);
      dispose([latent, decoded]);
      references ??= images;
      const calls = decisions.flat();
      const cacheUtilization = calls.filter((computed) => !computed).length / calls.length;
      const { meanDb: psnrDb } = meanPsnr({ references, images });
      mixes.push({ sampler, policy, cacheUtilization, psnrDb });
    }
  }
  labels.dispose();
  await decode.dispose();
  await executor.dispose();
  model.dispose();
  return mixes;
}

if (import.meta.filename === process.argv[1]) console.table(await mixSamplersAndRouters(20));

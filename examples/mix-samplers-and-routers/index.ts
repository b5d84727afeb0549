import { type CacheMethod, type CachePolicy, computeAll, generate } from '@harmonica/core';
import { loadEmojiDit } from '@harmonica/emoji-dit';
import { meanPsnr } from '@harmonica/metrics';
import { compileFunction } from '@harmonica/onnx';
import { pixelImages } from '@harmonica/pictures';
import { createExecutor, selectBackend } from '@harmonica/pipeline';
import { fixedIntervalSchedule, linearPredictor, withCache, withPolicy } from '@harmonica/router';
import { createDdimPlan, createDdpmPlan, createDpmSolverPlan } from '@harmonica/samplers';
import { dispose, tensor1d } from '@tensorflow/tfjs-core';

/** A policy of your own: attention every second step, MLPs always. */
const policy: CachePolicy = {
  name: 'attention every 2nd',
  decide: (step, { kind }) => (kind === 'mlp' || step % 2 === 0 ? 'compute' : 'predict'),
};

/** One backbone, every sampler, every policy. `folder` holds another model like emoji-dit. */
export async function mixSamplersAndRouters(steps: number, folder?: string) {
  await selectBackend({ name: 'onnx' });
  const model = await loadEmojiDit(folder === undefined ? {} : { folder });
  const executor = await createExecutor({ backbone: model.backbone, backend: 'onnx' });
  const decode = compileFunction(model.decode);
  const { branches, latent: size } = executor.spec;
  const ddpm = createDdpmPlan({ steps, variance: 'learned-range' });
  const plans = [createDdimPlan({ steps }), createDpmSolverPlan({ steps }), ddpm];
  const hold = { steps, branches, interval: 2 };
  const quadratic = { ...hold, align: 'first', initialSteps: 2, predictor: 'quadratic' } as const;
  const policies: Record<string, CacheMethod> = {
    'interval 2, hold': withCache({ schedule: fixedIntervalSchedule(hold) }),
    'interval 2, quadratic': withCache({ schedule: fixedIntervalSchedule(quadratic) }),
    [policy.name]: withPolicy({ policy, predictor: linearPredictor }),
  };
  const condition = { labels: tensor1d([0, 1, 2, 3], 'int32') };
  const guidance = { scale: 3, channels: size.channels };
  const shared = { executor, condition, guidance, seeds: [1, 2, 3, 4] };
  const sample = async (plan: (typeof plans)[number], cache: CacheMethod) => {
    const { latent, decisions } = await generate({ ...shared, plan, cache });
    const decoded = await decode(latent);
    const images = await pixelImages(decoded);
    dispose([latent, decoded]);
    const calls = decisions.flat();
    return { images, predicted: calls.filter((computed) => !computed).length / calls.length };
  };
  const mixes = [];
  for (const plan of plans) {
    const { images: references } = await sample(plan, computeAll);
    for (const [name, cache] of Object.entries(policies)) {
      const { images, predicted } = await sample(plan, cache);
      const { meanDb } = meanPsnr({ references, images });
      mixes.push({ sampler: plan.sampler, policy: name, predicted, meanDb });
    }
  }
  condition.labels.dispose();
  await decode.dispose();
  await executor.dispose();
  model.dispose();
  return mixes;
}

if (import.meta.filename === process.argv[1]) console.table(await mixSamplersAndRouters(20));

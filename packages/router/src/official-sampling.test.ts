import '@tensorflow/tfjs-backend-cpu';
import { loadDit } from '@harmonica/backbones';
import {
  type Backbone,
  type CacheMethod,
  computeAll,
  createDenoiser,
  doubleCondition,
  type Executor,
  executePlan,
  type NoiseSource,
  type SamplerPlan,
} from '@harmonica/core';
import { createOnnxExecutor } from '@harmonica/onnx';
import { createDdimPlan, createDdpmPlan } from '@harmonica/samplers';
import {
  entryOf,
  expectClose,
  type Golden,
  type GoldenTensor,
  goldenDitConfig,
  goldenPath,
  goldenWeightSource,
  loadGolden,
  loadGoldenManifest,
  nchwToNhwc,
} from '@harmonica/testing';
import { openPyTorch } from '@harmonica/weights';
import { type Tensor4D, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withCache } from './run/with-cache.js';
import { importOfficialRouter, officialRouterRows } from './schedule/official-router.js';
import { createProvenance } from './schedule/provenance.js';
import { scheduleDecisions, toSchedule } from './schedule/schedule.js';

let backbone: Backbone;
let executor: Executor;
beforeAll(async () => {
  backbone = await loadDit({ config: goldenDitConfig(), source: goldenWeightSource() });
  executor = await createOnnxExecutor({ backbone, threads: 1 });
});
afterAll(async () => {
  await executor.dispose();
  backbone.dispose();
});

const toTensor = (values: GoldenTensor<Float32Array<ArrayBuffer>>): Tensor4D => {
  const { data, shape } = nchwToNhwc(values);
  return tensor4d(data, shape as [number, number, number, number]);
};

interface FollowOptions {
  readonly golden: Golden;
  readonly latents: string;
  readonly plan: SamplerPlan;
  readonly cache?: CacheMethod;
}

/** Samples from the golden's initial noise and compares the latent after every step. */
async function follow({ golden, latents, plan, cache = computeAll }: FollowOptions) {
  const expected = golden.f32(latents);
  const noise: NoiseSource = {
    initial: () => toTensor(entryOf(expected, 0)),
    step: (index) => toTensor(entryOf(golden.f32('noise'), index)),
  };
  const labels = Array.from(golden.i32('labels').data).slice(0, 2);
  const condition = doubleCondition(backbone.spec, { labels: tensor1d(labels, 'int32') });
  const runner = cache(executor, plan.steps.length);
  const guidance = { scale: 1.5 };
  await executePlan({
    plan,
    denoise: createDenoiser({ executor, runner, condition, guidance }),
    latent: noise.initial(),
    noise,
    onStep: ({ index, latent }) => {
      const wanted = nchwToNhwc(entryOf(expected, index + 1));
      expectClose(latent.dataSync(), wanted.data, { relative: 1e-3 });
    },
  });
  runner.dispose();
  return runner.decisions;
}

describe('the official sampling code', () => {
  it('is followed by DDIM in 20 steps with guidance', async () => {
    const golden = loadGolden('ddim-20');
    const plan = createDdimPlan({ steps: 20 });
    const timesteps = plan.steps.map((step) => step.timestep);
    expect(timesteps).toEqual(Array.from(golden.i32('timesteps').data));
    await follow({ golden, latents: 'latents', plan });
  });

  it('is followed by DDPM with learned variance in 20 steps with guidance', async () => {
    const plan = createDdpmPlan({ steps: 20, variance: 'learned-range' });
    await follow({ golden: loadGolden('iddpm-20'), latents: 'latents', plan });
  });

  it.each([0.1, 0.5])('is followed by routed inference at threshold %s', async (threshold) => {
    const golden = loadGolden('inference-10');
    const plan = createDdimPlan({ steps: 10 });
    const path = goldenPath(loadGoldenManifest().routers.file);
    const source = await openPyTorch(path, { select: 'routers' });
    const tensors = new Map<string, Float32Array>();
    for (const name of source.names) tensors.set(name, await source.read(name));
    await source.close();
    const router = importOfficialRouter({
      format: 'harmonica',
      rows: officialRouterRows({ tensors, path }),
      threshold,
      provenance: createProvenance({ spec: backbone.spec, modelSha256: 'a'.repeat(64), plan }),
    });
    const schedule = toSchedule(router);
    const computed = scheduleDecisions(schedule).flat().map(Number);
    expect(computed).toEqual(Array.from(golden.i32(`computed.${threshold}`).data));
    const latents = `latents.${threshold}`;
    const decisions = await follow({ golden, latents, plan, cache: withCache({ schedule }) });
    expect(decisions.flat().map(Number)).toEqual(computed);
  });
});

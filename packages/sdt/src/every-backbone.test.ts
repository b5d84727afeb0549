import '@tensorflow/tfjs-backend-cpu';
import {
  pixartConfig,
  randomDit,
  randomPixart,
  randomSit,
  randomUvit,
  sitConfig,
  uvitConfig,
} from '@harmonica/backbones';
import {
  type Backbone,
  type CacheSchedule,
  createNoise,
  createRng,
  type Executor,
  type Guidance,
  generate,
  type NamedTensors,
  type RouterFile,
  type SamplerPlan,
} from '@harmonica/core';
import { createOnnxExecutor } from '@harmonica/onnx';
import { createProvenance, toSchedule, withCache } from '@harmonica/router';
import {
  createDdimPlan,
  createDdpmPlan,
  createDpmSolverPlan,
  createDpmSolverSinglestepPlan,
  createFlowEulerPlan,
  createFlowHeunPlan,
  createSaSolverPlan,
  createSitOdePlan,
  createSitSdePlan,
  createUniPcPlan,
} from '@harmonica/samplers';
import { dispose, memory, ones, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSameLatents, referenceRun } from '../test/reference-run.js';
import { type DrawCondition, drawLabels } from './draw-batch.js';
import { trainRouter } from './train-router.js';
import { defaultConfig, type TrainingConfig } from './training-config.js';
import type { TrainingState } from './training-run.js';

const TINY = { depth: 1, hiddenSize: 16, heads: 2, inputSize: 4 };
const CAPTION = { captionTokens: 3, captionChannels: 6 };
const steps = 6;

const diffusionPlans: Record<string, SamplerPlan> = {
  DDIM: createDdimPlan({ steps }),
  'DPM-Solver++': createDpmSolverPlan({ steps }),
  UniPC: createUniPcPlan({ steps }),
  'SA-Solver': createSaSolverPlan({ steps }),
};
/** For models that predict a variance. */
const variancePlans: Record<string, SamplerPlan> = {
  ...diffusionPlans,
  IDDPM: createDdpmPlan({ steps, variance: 'learned-range' }),
};
/** For models that do not; U-ViT's own sampler among them. */
const noisePlans: Record<string, SamplerPlan> = {
  ...diffusionPlans,
  DDPM: createDdpmPlan({ steps, variance: 'fixed-small' }),
  'DPM-Solver, singlestep': createDpmSolverSinglestepPlan({
    steps,
    algorithm: 'dpm-solver',
    order: 3,
    solver: 'paper',
    spacing: 'continuous',
  }),
};
const sitPlans: Record<string, SamplerPlan> = {
  'SiT, Euler': createSitOdePlan({ steps }),
  'SiT, Heun': createSitOdePlan({ steps: 3, method: 'heun' }),
  'SiT, SDE': createSitSdePlan({ steps }),
};
const flowPlans: Record<string, SamplerPlan> = {
  'flow, Euler': createFlowEulerPlan({ steps, shift: 3 }),
  // The least noisy of the default levels, 0.001, would magnify float32's rounding a thousandfold.
  'flow, Heun': createFlowHeunPlan({ sigmas: [1, 0.75, 0.5, 0.25] }),
  'flow, UniPC': createUniPcPlan({ steps, flow: {} }),
};

interface Subject {
  readonly name: string;
  readonly create: () => Backbone;
  readonly plans: Record<string, SamplerPlan>;
  readonly guidance: Guidance;
  /** Default: class labels. */
  readonly drawCondition?: DrawCondition;
}

/** Captions of random embeddings, the second half of whose tokens is padding, and the size of an image if it is asked for. */
const drawCaptions =
  (sized: boolean): DrawCondition =>
  (rng, batch) => {
    const normal = (...shape: number[]): Tensor => {
      const values = new Float32Array(shape.reduce((a, b) => a * b));
      return tensor(rng.fillNormal(values), shape);
    };
    const { captionTokens, captionChannels } = CAPTION;
    const mask = Array.from({ length: batch }, () => [1, 1, 0]);
    return {
      caption: normal(batch, captionTokens, captionChannels),
      captionMask: tensor(mask, [batch, captionTokens], 'int32'),
      ...(sized && { resolution: normal(batch, 2), aspectRatio: ones([batch, 1]) }),
    };
  };

const captioned = (sized: boolean): Pick<Subject, 'guidance' | 'drawCondition'> => ({
  // One negative prompt for every image.
  guidance: {
    scale: 4.5,
    channels: 4,
    unconditional: drawCaptions(sized)(createRng({ seed: 99 }), 1),
  },
  drawCondition: drawCaptions(sized),
});
const sit = () => randomSit({ config: sitConfig('SiT-S/2', { ...TINY, numClasses: 3 }), seed: 3 });

const subjects: readonly Subject[] = [
  {
    name: 'DiT',
    create: () =>
      randomDit({
        config: {
          name: 'DiT',
          ...TINY,
          patchSize: 2,
          mlpRatio: 4,
          inChannels: 4,
          numClasses: 3,
          learnSigma: true,
        },
        seed: 3,
      }),
    plans: variancePlans,
    guidance: { scale: 1.5 },
  },
  {
    name: 'PixArt-alpha',
    create: () =>
      randomPixart({
        config: pixartConfig('PixArt-XL-2-1024-MS', { ...TINY, ...CAPTION, hiddenSize: 24 }),
        seed: 3,
      }),
    plans: variancePlans,
    ...captioned(true),
  },
  {
    name: 'PixArt-Sigma',
    create: () =>
      randomPixart({
        config: pixartConfig('PixArt-Sigma-XL-2-1024-MS', {
          ...TINY,
          ...CAPTION,
          kvCompression: { factor: 2, blocks: [0] },
        }),
        seed: 3,
      }),
    plans: variancePlans,
    ...captioned(false),
  },
  {
    name: 'U-ViT',
    create: () =>
      randomUvit({
        config: uvitConfig('imagenet256_uvit_large', { ...TINY, depth: 2, numClasses: 3 }),
        seed: 3,
      }),
    plans: noisePlans,
    guidance: { scale: 1.4, channels: 4 },
  },
  { name: 'SiT', create: sit, plans: sitPlans, guidance: { scale: 1.5, channels: 4 } },
  {
    // The same architecture, as a model of flow matching would have it.
    name: 'a flow transformer',
    create: () => {
      const own = sit();
      return { ...own, spec: { ...own.spec, name: 'flow', process: 'flow' } };
    },
    plans: flowPlans,
    guidance: { scale: 1.5, channels: 4 },
  },
];

const config: TrainingConfig = {
  ...defaultConfig,
  batchSize: 1,
  iterations: 10,
  granularity: 'branch',
  targetSpeedup: 1.25,
};
/** The first plan of each model has its predictors chosen, which takes longer. */
const predictorFor = (plan: string) =>
  ['DDIM', 'SiT, Euler', 'flow, Euler'].includes(plan) ? 'per-step' : 'linear';
const SEEDS = [21, 22];

describe.each(subjects)('$name', (subject) => {
  const { plans, guidance } = subject;
  let backbone: Backbone;
  let executor: Executor;
  let drawCondition: DrawCondition;
  let condition: NamedTensors;
  beforeAll(async () => {
    backbone = subject.create();
    executor = await createOnnxExecutor({ backbone, threads: 1 });
    drawCondition = subject.drawCondition ?? drawLabels(backbone.spec);
    condition = drawCondition(createRng({ seed: 7 }), SEEDS.length);
  });
  afterAll(async () => {
    await executor.dispose();
    backbone.dispose();
    dispose([...Object.values(condition), ...Object.values(guidance.unconditional ?? {})]);
  });

  /** Trains ten iterations; the router, what was reported, and the logits before. */
  async function train(plan: SamplerPlan, predictor: TrainingConfig['predictor']) {
    const losses: number[] = [];
    const states: TrainingState[] = [];
    const router = await trainRouter({
      executor,
      plan,
      config: { ...config, predictor },
      guidance,
      drawCondition,
      provenance: createProvenance({
        spec: backbone.spec,
        modelSha256: 'a'.repeat(64),
        plan,
        guidance,
      }),
      onProgress: ({ loss }) => losses.push(loss),
      onTrajectory: (state) => void states.push(state),
    });
    return { router, losses, before: states[0]?.logits as RouterFile['logits'] };
  }

  async function sample(plan: SamplerPlan, schedule?: CacheSchedule) {
    const cache = schedule && withCache({ schedule });
    const run = { plan, executor, condition, seeds: SEEDS, guidance };
    const { latent, decisions } = await generate({ ...run, ...(cache && { cache }) });
    const values = Float64Array.from(await latent.data());
    latent.dispose();
    return { values, decisions };
  }

  it.each(Object.keys(plans))(
    'trains a router for %s that a plain loop agrees with',
    async (name) => {
      const plan = plans[name] as SamplerPlan;
      const tensors = memory().numTensors;
      const { router, losses, before } = await train(plan, predictorFor(name));

      const updates = plan.steps.length - 1;
      expect(losses).toHaveLength(Math.ceil(10 / updates) * updates);
      expect(losses.every(Number.isFinite)).toBe(true);
      router.logits.forEach((row, step) => {
        for (const [branch, logit] of row.entries()) {
          if (step === 0) expect(logit).toBe(before[0]?.[branch]);
          else expect(logit).not.toBe(before[step]?.[branch]);
        }
      });

      const schedule = toSchedule(router);
      const cached = await sample(plan, schedule);
      const rows = cached.decisions.map((row) => row.map(Number).join(''));
      expect(rows).toEqual(schedule.table);
      expect(rows.join('')).toContain('0');

      const noise = createNoise({ seeds: SEEDS, latent: backbone.spec.latent });
      const reference = referenceRun({ backbone, plan, condition, guidance, noise, schedule });
      expectSameLatents(cached.values, reference);
      const uncached = await sample(plan);
      const change = cached.values.map((value, i) =>
        Math.abs(value - (uncached.values[i] as number)),
      );
      expect(Math.max(...change)).toBeGreaterThan(1e-3);
      expect(memory().numTensors).toBe(tensors);
      expect(executor.liveHandles).toBe(0);
    },
  );
});

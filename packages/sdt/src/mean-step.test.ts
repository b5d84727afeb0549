import '@tensorflow/tfjs-backend-cpu';
import { createEagerExecutor, createRng } from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import { fullStep, predictorByName } from '@harmonica/router';
import { createDdimPlan } from '@harmonica/samplers';
import { expectClose } from '@harmonica/testing';
import { expect, it } from 'vitest';
import { drawBatch, drawLabels } from './draw-batch.js';
import { meanStep, type PartErrors, trainingStep } from './training-step.js';

it('counts every image alike', () => {
  const small = { images: 1, error: 1, scoreGradients: [4, -8] };
  const large = { images: 3, error: 5, scoreGradients: [0, 16] };
  expect(meanStep([small, large])).toEqual({ error: 4, scoreGradients: [1, 10] });
});

it('leaves a single part as it is, bit for bit', () => {
  const only = { images: 3, error: 0.1, scoreGradients: [1 / 3, 0.7] };
  const { images: _, ...errors } = only;
  expect(meanStep([only])).toEqual(errors);
});

it('is what the whole batch teaches', async () => {
  const backbone = createTinyBackbone();
  const executor = createEagerExecutor(backbone);
  const plan = createDdimPlan({ steps: 4 });
  const guidance = { scale: 1.5, channels: 4 };
  const scores = [0.2, 0.9, 0.5, 0.7];
  const stepsOf = async (partSize: number): Promise<PartErrors[]> => {
    const batch = drawBatch({
      rng: createRng({ seed: 5 }),
      size: 5,
      partSize,
      spec: backbone.spec,
      plan,
      drawCondition: drawLabels(backbone.spec),
      guidance,
    });
    const found: PartErrors[] = [];
    for (const { latent, condition, noise } of batch) {
      const predictor = predictorByName('hold');
      const run = { executor, plan, guidance, condition, noise, predictor, threshold: 0.1 };
      const state = await fullStep(run, { latent, index: 0 });
      const result = await trainingStep({ run, state, index: 1, scores });
      found.push({ ...result, images: latent.shape[0] });
    }
    return found;
  };
  const [whole] = await stepsOf(5);
  for (const partSize of [1, 2, 4]) {
    const mean = meanStep(await stepsOf(partSize));
    expectClose([mean.error], [whole?.error ?? Number.NaN], { relative: 1e-5 });
    expectClose(mean.scoreGradients, whole?.scoreGradients ?? [], { relative: 1e-5 });
  }
  await executor.dispose();
  backbone.dispose();
});

import '@tensorflow/tfjs-backend-cpu';
import { loadDit } from '@harmonica/backbones';
import type { Backbone, Executor } from '@harmonica/core';
import { createOnnxExecutor } from '@harmonica/onnx';
import { createProvenance, routerScores } from '@harmonica/router';
import { createDdimPlan } from '@harmonica/samplers';
import {
  entryOf,
  expectClose,
  goldenDitConfig,
  goldenWeightSource,
  loadGolden,
  nchwToNhwc,
} from '@harmonica/testing';
import { tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { initAdamW } from './adamw.js';
import { disposeParts } from './batch.js';
import { noised, pairStep } from './pairs.js';
import { l2cConfig } from './training-config.js';
import type { TrainingState } from './training-run.js';
import { startRound, updateStep } from './update-router.js';

const STEPS = 10;
const BRANCHES = 6;
type Shape4D = [number, number, number, number];

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

it('agrees with four iterations of the official code in latents, error, loss, gradient and logits', async () => {
  const golden = loadGolden('l2c');
  const plan = createDdimPlan({ steps: STEPS });
  const close = { relative: 1e-3 };
  const expectedLogits = golden.f64('logits');
  const rows = (count: number): number[][] => {
    const { data } = entryOf(expectedLogits, count);
    return Array.from({ length: STEPS }, (_, step) =>
      Array.from(data.subarray(step * BRANCHES, (step + 1) * BRANCHES)),
    );
  };
  const ones = new Array<number>(STEPS).fill(1);
  const config = { ...l2cConfig, batchSize: 4, beta: 2e-4 };
  const state: TrainingState = {
    version: 1,
    kind: 'sdt-state',
    config,
    provenance: createProvenance({ spec: backbone.spec, modelSha256: '0'.repeat(64), plan }),
    iteration: 0,
    refreshedAt: 0,
    logits: rows(0),
    predictor: 'hold',
    optimizer: ones.map(() => initAdamW(BRANCHES)),
    rng: { seed: 0, stream: 0, block: 0 },
    beta: config.beta,
    lossWeights: ones,
    lambda: ones,
    records: [],
  };
  const steps = golden.i32('step').data;
  expect([...steps]).toEqual([1, 5, 1, 9]);
  let round = startRound(state);
  for (const [i, step] of steps.entries()) {
    const nhwc = (name: string, ...index: number[]) => {
      const { data, shape } = nchwToNhwc(entryOf(golden.f32(name), ...index));
      return tensor4d(data, shape as Shape4D);
    };
    const images = nhwc('latents', i);
    const noise = nhwc('noise', i);
    const latent = noised(images, { plan, index: step - 1, noise });
    images.dispose();
    noise.dispose();
    expectClose(latent.dataSync(), nchwToNhwc(entryOf(golden.f32('x'), i, 0)), close);
    const labels = tensor1d(entryOf(golden.i32('labels'), i).data, 'int32');
    const pair = { step, latent, condition: { labels } };
    const scores = routerScores(round.state)[step] as readonly number[];
    const found = await pairStep({ executor, plan }, pair, scores);
    disposeParts([pair]);
    expectClose([found.error], entryOf(golden.f64('dataLoss'), i), close);
    const gradient = scores.map(
      (s, k) => ((found.scoreGradients[k] as number) + config.beta) * s * (1 - s),
    );
    expectClose(gradient, entryOf(golden.f64('gradient'), i), close);
    const losses: number[] = [];
    const onProgress = ({ loss }: { readonly loss: number }) => losses.push(loss);
    round = updateStep({ executor, config, onProgress }, round, { ...found, step });
    expectClose(losses, entryOf(golden.f64('loss'), i), close);
    expectClose(round.state.logits.flat(), rows(i + 1).flat(), close);
  }
  // The update itself, far below the logits' own tolerance: the learning rate is 1e-3.
  const moved = (logits: TrainingState['logits']) =>
    logits.flatMap((row, t) => row.map((logit, k) => logit - (state.logits[t]?.[k] as number)));
  expectClose(moved(round.state.logits), moved(rows(4)), { relative: 1e-3 });
  expect(round.state.logits[5]?.[3]).toBe(5);
});

import '@tensorflow/tfjs-backend-cpu';
import { loadDit } from '@harmonica/backbones';
import type { Backbone, Executor } from '@harmonica/core';
import { objective } from '@harmonica/iepo';
import { createOnnxExecutor } from '@harmonica/onnx';
import {
  advanceRun,
  disposeRunState,
  predictorByName,
  type RoutedRun,
  startRun,
} from '@harmonica/router';
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
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdamWState, initAdamW, updateAdamW } from './adamw.js';
import { LOGIT_LIMIT } from './training-config.js';
import { trainingStep } from './training-step.js';

const STEPS = 10;
const BRANCHES = 6;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

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

describe.each([
  { name: 'sdt-l1-7e-8', l1: 7e-8 },
  { name: 'sdt-l1-1e-4', l1: 1e-4 },
])('two trajectories of the official training loop, l1 $l1', ({ name, l1 }) => {
  it('agree in error, gradient, logits and latent of every iteration', async () => {
    const golden = loadGolden(name);
    const lambda = golden.f32('lambda').data;
    const expectedLogits = golden.f64('logits');
    const all = entryOf(expectedLogits, 0).data;
    const logits = Array.from({ length: STEPS }, (_, step) =>
      Array.from(all.slice(step * BRANCHES, (step + 1) * BRANCHES)),
    );
    const optimizer: AdamWState[] = logits.map((row) => initAdamW(row.length));
    for (const trajectory of [0, 1]) {
      const run: RoutedRun = {
        executor,
        plan: createDdimPlan({ steps: STEPS }),
        predictor: predictorByName('hold'),
        condition: {
          labels: tensor1d(entryOf(golden.i32('labels'), trajectory).data, 'int32'),
        },
        guidance: { scale: 1.5 },
        threshold: 0.1,
      };
      const noise = nchwToNhwc(entryOf(golden.f32('x'), trajectory, 0));
      const latent = tensor4d(noise.data, noise.shape as [number, number, number, number]);
      const scores = new Array<number>(BRANCHES).fill(1);
      const start = await advanceRun({ run, state: startRun(run, latent), index: 0, scores });
      let { state } = start;
      for (let step = 1; step < STEPS; step++) {
        const row = logits[step] as number[];
        const applied = row.map(sigmoid);
        const result = await trainingStep({ run, state, index: step, scores: applied });
        disposeRunState(run, state);
        state = result.state;
        const lossWeight = lambda[step - 1] as number;
        const terms = objective({
          lossWeight,
          error: result.error,
          beta: l1,
          scores: applied,
          costs: applied.map(() => 1),
        });
        const gradient = result.scoreGradients.map((g, k) => {
          const s = applied[k] as number;
          return (lossWeight * g + l1) * s * (1 - s);
        });
        expectClose([result.error], entryOf(golden.f64('dataLoss'), trajectory, step - 1), {
          relative: 1e-3,
        });
        expectClose([terms.loss], entryOf(golden.f64('loss'), trajectory, step - 1), {
          relative: 1e-3,
        });
        expectClose(gradient, entryOf(golden.f64('gradient'), trajectory, step - 1), {
          relative: 1e-3,
        });
        const updated = updateAdamW({
          parameters: row,
          gradient,
          state: optimizer[step] as AdamWState,
          learningRate: 0.01,
        });
        logits[step] = updated.parameters.map((p) =>
          Math.min(LOGIT_LIMIT, Math.max(-LOGIT_LIMIT, p)),
        );
        optimizer[step] = updated.state;
        const iteration = trajectory * (STEPS - 1) + step;
        expectClose(logits.flat(), entryOf(expectedLogits, iteration).data, { relative: 1e-3 });
        const expectedX = nchwToNhwc(entryOf(golden.f32('x'), trajectory, step + 1));
        expectClose(state.plan.latent.dataSync(), expectedX.data, { relative: 1e-3 });
      }
      disposeRunState(run, state);
      start.output.dispose();
    }
    expect(optimizer[1]?.count).toBe(2);
  });
});

import '@tensorflow/tfjs-backend-cpu';
import { readFileSync } from 'node:fs';
import {
  AbortedError,
  createEagerExecutor,
  type Executor,
  IncompatibleError,
  NonFiniteError,
  type RouterFile,
} from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import { createProvenance, macsCostModel, theoreticalSpeedUp, toSchedule } from '@harmonica/router';
import { createDdimPlan } from '@harmonica/samplers';
import { expectClose } from '@harmonica/testing';
import { memory } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { trainKeepingStates } from '../test/train-keeping-states.js';
import { drawLabels } from './draw-batch.js';
import { finishedRouter, trainRouter } from './train-router.js';
import { defaultConfig, paperConfig, type TrainingConfig } from './training-config.js';
import {
  parseTrainingState,
  type SwapProgress,
  type TrainingState,
  type TrainRouterOptions,
} from './training-run.js';

const backbone = createTinyBackbone();
const executor = createEagerExecutor(backbone);
afterAll(async () => {
  await executor.dispose();
  backbone.dispose();
});

const plan = createDdimPlan({ steps: 4 });
const guidance = { scale: 1.5, channels: 4 };
const origin = { spec: backbone.spec, modelSha256: 'a'.repeat(64), guidance };
const provenance = createProvenance({ ...origin, plan });
const config: TrainingConfig = {
  ...defaultConfig,
  batchSize: 1,
  iterations: 9,
  refreshEvery: 4,
  targetSpeedup: 1.3,
};
const options = (extra: Partial<TrainRouterOptions> = {}): TrainRouterOptions => ({
  executor,
  plan,
  guidance,
  config,
  provenance,
  ...extra,
});
const fixture = (name: string): string =>
  readFileSync(new URL(`./__fixtures__/${name}`, import.meta.url), 'utf8');
const trained = (extra?: Partial<TrainRouterOptions>) => trainKeepingStates(options(extra));

describe('trainRouter', () => {
  it('moves every logit but those of step 0', async () => {
    const { router, states } = await trained();
    const before = states[0]?.logits as RouterFile['logits'];
    expect(router.logits[0]).toEqual(before[0]);
    router.logits.slice(1).forEach((row, i) => {
      for (const [k, logit] of row.entries()) expect(logit).not.toBe(before[i + 1]?.[k]);
    });
  });

  it('reaches the target speed-up, and says what it was trained for', async () => {
    const { router } = await trained();
    const schedule = toSchedule(router);
    const cost = macsCostModel(backbone.spec);
    expect(theoreticalSpeedUp({ schedule, cost })).toBeGreaterThanOrEqual(1.3);
    expect(router.provenance.model).toEqual(provenance.model);
    expect(router.provenance.training).toMatchObject({ trainer: 'sdt', iterations: 9, images: 0 });
  });

  it('starts from a schedule that reaches the target, though the configured interval does not', async () => {
    const ten = createDdimPlan({ steps: 10 });
    const run = {
      plan: ten,
      config: { ...config, targetSpeedup: 2 },
      provenance: createProvenance({ ...origin, plan: ten }),
    };
    const { states } = await trained(run);
    const [before, after] = [states[0], states.at(-1)] as [TrainingState, TrainingState];
    const { table } = toSchedule(finishedRouter(options(run), before));
    expect(table.map((row) => row[0]).join('')).toBe('1100100010'); // and not 1000000000
    expect(after.lambda.some((lambda) => lambda > 0)).toBe(true);
    expect(after.beta).toBeGreaterThan(0);
  });

  it.each([
    ['default', config],
    ['paper', { ...paperConfig, batchSize: 1, iterations: 9, refreshEvery: 3 }],
    ['hard finish', { ...config, hardFinish: 0.5, proxy: 'leave-one-out' as const }],
    ['repeated', { ...config, batches: 'repeated' as const }],
    ['swaps', { ...config, swaps: 3 }],
    ['in parts', { ...config, batchSize: 3, microBatch: 4 }],
    ['measured costs', { ...paperConfig, costs: 'ms' as const, batchSize: 1, iterations: 6 }],
  ])('resumed from any trajectory gives the same router, bit for bit (%s)', async (_, settings) => {
    const whole = await trained({ config: settings });
    for (const resume of whole.states.slice(0, -1)) {
      const { router } = await trained({ config: settings, resume });
      expect(router).toEqual(whole.router);
    }
  });

  it('swaps steps at the same cost, and goes on for more of them', async () => {
    const six = createDdimPlan({ steps: 6 });
    const run = { plan: six, provenance: createProvenance({ ...origin, plan: six }) };
    const settings = { ...config, iterations: 5, targetSpeedup: 1.5 };
    const plain = await trained({ ...run, config: settings });
    const resume = plain.states.at(-1) as TrainingState;
    const seen: SwapProgress[] = [];
    const { router } = await trained({
      ...run,
      config: { ...settings, swaps: 4 },
      resume,
      onSwap: (swap) => seen.push(swap),
    });
    const computed = ({ table }: { readonly table: readonly string[] }) =>
      table.join('').replaceAll('0', '').length;
    expect(computed(toSchedule(router))).toBe(computed(toSchedule(plain.router)));
    expect(router.provenance.training).toMatchObject({ swaps: seen.length });
    expect(seen.map(({ round }) => round)).toEqual(seen.map((_, i) => i + 1));
    const made = seen.filter(({ swap }) => swap);
    expect(made.length).toBeGreaterThanOrEqual(seen.length - 1);
    for (const { before, after } of seen) expect(after).toBeLessThanOrEqual(before);
  });

  it('searches anew when more updates are made', async () => {
    const searched = await trained({ config: { ...config, swaps: 1 } });
    const resume = searched.states.at(-1) as TrainingState;
    expect(resume.swaps?.rounds).toBe(1);
    const rounds: number[] = [];
    await trained({
      config: { ...config, swaps: 1, iterations: 12 },
      resume,
      onSwap: ({ round }) => rounds.push(round),
    });
    expect(rounds).toEqual([1]);
  });

  it.each([
    ['marginal', config],
    ['single-step', { ...config, proxy: 'single-step' as const }],
    ['cumulative', { ...paperConfig, iterations: 9, refreshEvery: 3 }],
  ])('in parts learns what the whole batch teaches (%s)', async (_, settings) => {
    const of = async (microBatch: number) => {
      const errors: number[] = [];
      const { router } = await trained({
        config: { ...settings, batchSize: 3, microBatch },
        onProgress: ({ error }) => errors.push(error),
      });
      const { lambda } = router.provenance.training as { lambda: number[] };
      return { errors, lambda, logits: router.logits.flat(), predictor: router.predictor };
    };
    const whole = await of(6);
    for (const microBatch of [2, 4]) {
      const parts = await of(microBatch);
      for (const what of ['errors', 'lambda', 'logits'] as const) {
        expectClose(parts[what], whole[what], { relative: 1e-5 });
      }
      expect(parts.predictor).toEqual(whole.predictor);
    }
  });

  it('measures costs once, and trains by them as by MACs that are as large', async () => {
    const byMacs = await trained();
    const measured = { ...config, costs: 'ms' as const };
    const { states } = await trained({
      config: { ...measured, iterations: 1, targetSpeedup: undefined },
    });
    const [before, after] = [states[0], states.at(-1)] as [TrainingState, TrainingState];
    expect(before.costs?.branches).toHaveLength(backbone.spec.branches.length);
    expect(Math.min(...(before.costs?.branches ?? []))).toBeGreaterThan(0);
    expect(after.costs).toEqual(before.costs);

    const macs = macsCostModel(backbone.spec);
    const costs = { ...macs, unit: 'ms' as const };
    const resume = { ...(byMacs.states[0] as TrainingState), config: measured, costs };
    const { router } = await trained({ config: measured, resume });
    const { logits, threshold, predictor, provenance } = byMacs.router;
    expect(router).toMatchObject({ logits, threshold, predictor });
    const speedUp = provenance.training?.theoreticalSpeedUp;
    expect(router.provenance.training).toMatchObject({ costs, expectedSpeedUp: speedUp });
  });

  it('stopped within a trajectory leaves a state that leads to the same router', async () => {
    const { router: whole } = await trained();
    const controller = new AbortController();
    const states: TrainingState[] = [];
    const run = trainRouter(
      options({
        signal: controller.signal,
        onTrajectory: (state) => void states.push(state),
        onProgress: ({ iteration }) => {
          if (iteration === 5) controller.abort();
        },
      }),
    );
    await expect(run).rejects.toBeInstanceOf(AbortedError);
    const last = states.at(-1) as TrainingState;
    expect(last.iteration).toBe(3);
    const { router } = await trained({ resume: last });
    expect(router).toEqual(whole);
  });

  it('trains longer when resumed with more iterations', async () => {
    const { states } = await trained();
    const resume = states.at(-1) as TrainingState;
    const { router } = await trained({ config: { ...config, iterations: 12 }, resume });
    expect(router.provenance.training).toMatchObject({ iterations: 12 });
  });

  it('refuses to resume for another plan, model or config', async () => {
    const { states } = await trained();
    const resume = states[1] as TrainingState;
    const other = createDdimPlan({ steps: 4, eta: 1 });
    const elsewhere = createProvenance({ ...origin, plan: other });
    for (const extra of [
      { plan: other, provenance: elsewhere },
      { config: { ...config, learningRate: 0.5 } },
    ]) {
      await expect(trained({ resume, ...extra })).rejects.toBeInstanceOf(IncompatibleError);
    }
  });

  it('reports every update', async () => {
    const seen: number[] = [];
    const losses: number[] = [];
    await trained({
      onProgress: ({ iteration, loss, data, penalty }) => {
        seen.push(iteration);
        losses.push(loss - data - penalty);
      },
    });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(losses.every((difference) => Math.abs(difference) < 1e-12)).toBe(true);
  });

  it('draws a fresh batch for every trajectory', async () => {
    const { states } = await trained();
    const blocks = states.map(({ rng }) => rng.block);
    expect(new Set(blocks).size).toBe(blocks.length);
  });

  it('draws the same batches again after every refresh, if they are to be repeated', async () => {
    const drawn = async (batches: TrainingConfig['batches']) => {
      const seen: string[] = [];
      await trained({
        config: { ...paperConfig, batchSize: 1, iterations: 15, refreshEvery: 6, batches },
        drawCondition: (rng, size) => {
          seen.push(JSON.stringify(rng.state()));
          return drawLabels(backbone.spec)(rng, size);
        },
      });
      return seen;
    };
    const [, ...repeated] = await drawn('repeated');
    expect(repeated.slice(2)).toEqual(repeated.slice(0, 2));
    expect(repeated[0]).not.toBe(repeated[1]);
    expect(new Set(await drawn('fresh')).size).toBe(5);
  });

  it('reads states from before the trainer, the batches and their parts could be chosen', async () => {
    const whole = await trained();
    const { images: _, ...old } = whole.states[1] as TrainingState;
    const resume = parseTrainingState(JSON.stringify(old));
    const named: TrainingConfig = {
      ...config,
      trainer: 'sdt',
      batches: 'fresh',
      microBatch: 8,
    };
    const { router } = await trained({ config: named, resume });
    expect(router.logits).toEqual(whole.router.logits);
    for (const other of [{ batches: 'repeated' as const }, { microBatch: 2 }]) {
      const run = trained({ config: { ...config, ...other }, resume });
      await expect(run).rejects.toBeInstanceOf(IncompatibleError);
    }
  });

  it('goes on from a state that an earlier version wrote, to the router that it led to', async () => {
    const before = fixture('training-state-before-rename.json');
    const resume = parseTrainingState(before);
    const old = JSON.parse(before);
    expect(old.exchanges).toEqual({ rounds: 1, ended: false });
    expect(resume.swaps).toEqual(old.exchanges);
    expect(resume.lossWeights).toEqual(old.weights);
    const expected: RouterFile = JSON.parse(fixture('router-before-rename.json'));
    const rounds: number[] = [];
    const { router } = await trained({
      plan: createDdimPlan({ steps: 6 }),
      provenance: resume.provenance,
      config: {
        ...defaultConfig,
        batchSize: 1,
        iterations: 10,
        refreshEvery: 4,
        targetSpeedup: 1.5,
        swaps: 4,
      },
      resume,
      onSwap: ({ round }) => rounds.push(round),
    });
    expect(rounds).toEqual([2]);
    expect(router.predictor).toEqual(expected.predictor);
    // A swap moves logits and computes none, so that they are those of the file to the last bit.
    expect(router.logits).toEqual(expected.logits);
    expect(router.threshold).toBe(expected.threshold);
  });

  it('gives the same router, bit for bit, from a state whose fields have their old names', async () => {
    const settings = { ...config, swaps: 3 };
    const whole = await trained({ config: settings });
    const { swaps, lossWeights, config: _, ...rest } = whole.states[2] as TrainingState;
    expect(swaps).toBeUndefined();
    const old = { ...rest, weights: lossWeights, config: { ...config, exchanges: 3 } };
    const { router } = await trained({
      config: settings,
      resume: parseTrainingState(JSON.stringify(old)),
    });
    expect(router).toEqual(whole.router);
  });

  it('leaks no tensor and no handle', async () => {
    await trained();
    const before = memory().numTensors;
    const handles = executor.liveHandles;
    await trained();
    expect(memory().numTensors).toBe(before);
    expect(executor.liveHandles).toBe(handles);
  });

  it('hears an abort between two parts, and leaves no tensor and no handle', async () => {
    await trained();
    const before = memory().numTensors;
    const handles = executor.liveHandles;
    const controller = new AbortController();
    let taken = 0;
    const stopping: Executor = {
      ...executor,
      get liveHandles() {
        return executor.liveHandles;
      },
      endVjp: (...args) => {
        taken += 1;
        if (taken === 5) controller.abort();
        return executor.endVjp(...args);
      },
    };
    const { signal } = controller;
    const inParts = { ...config, batchSize: 3, microBatch: 2 };
    const run = trained({ executor: stopping, config: inParts, signal });
    await expect(run).rejects.toBeInstanceOf(AbortedError);
    expect(taken).toBe(5);
    expect(memory().numTensors).toBe(before);
    expect(executor.liveHandles).toBe(handles);
  });

  it('stops at the first loss that is not finite', async () => {
    const broken = {
      ...executor,
      get liveHandles() {
        return executor.liveHandles;
      },
      vjp: async (...args: Parameters<typeof executor.vjp>) => ({
        ...(await executor.vjp(...args)),
        scoreGradient: Number.NaN,
      }),
    };
    await expect(trained({ executor: broken })).rejects.toBeInstanceOf(NonFiniteError);
  });

  it.each([
    ['batchSize', 0],
    ['microBatch', 0],
    ['microBatch', 1.5],
    ['learningRate', -1],
    ['targetSpeedup', 1],
    ['threshold', 1],
    ['refreshShare', 0],
    ['swaps', -1],
    ['proxy', 'margnal'],
    ['predictor', 'quartic'],
  ])('refuses %s %s', async (name, value) => {
    await expect(trained({ config: { ...config, [name]: value } })).rejects.toThrowError(name);
  });
});

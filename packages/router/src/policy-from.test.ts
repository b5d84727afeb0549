import '@tensorflow/tfjs-backend-cpu';
import {
  ConfigError,
  computeAll,
  createEagerExecutor,
  fingerprint,
  InvalidArgumentError,
} from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { branchesOf, specOf } from './__fixtures__/branches.js';
import { eulerPlan, sampleTiny } from './__fixtures__/observed-run.js';
import { formatCalibration } from './calibration/calibration.js';
import { deltaDitSchedule } from './methods/delta-dit.js';
import { fixedIntervalSchedule } from './methods/interval.js';
import { magCacheSchedule } from './methods/mag-cache.js';
import { pabSchedule } from './methods/pab.js';
import { smoothCacheSchedule } from './methods/smooth-cache.js';
import type { Calibration, PolicySpec } from './methods/table.js';
import { taylorSeerSchedule } from './methods/taylor-seer.js';
import { cacheMethodOf, parsePolicySpec, policyFrom, policyNames, policyOrigin } from './policy.js';
import { constantLogits } from './schedule/initial-logits.js';
import { createProvenance } from './schedule/provenance.js';
import { formatRouter, formatSchedule } from './schedule/readable-json.js';
import { toSchedule } from './schedule/schedule.js';

const STEPS = 12;
const plan = eulerPlan(STEPS);
const spec = specOf(branchesOf(3));
const { branches } = spec;
const setting = {
  spec,
  plan,
  modelSha256: fingerprint('weights'),
  guidance: { scale: 2, channels: 4 },
};
const provenance = createProvenance(setting);
const header = {
  version: 1,
  kind: 'calibration',
  steps: STEPS,
  branches: branches.length,
  runs: 2,
  provenance,
} as const;
const wave = (i: number, k: number) => 0.2 + 0.15 * Math.sin(3 * i + k);
const rowsOf = (count: number) =>
  Array.from({ length: count }, (_, i) => branches.map((_, k) => wave(i, k)));
const teacache: Calibration = {
  ...header,
  method: 'teacache',
  coefficients: [1, 0],
  rSquared: 0.9,
  samples: 22,
};
const smoothcache: Calibration = {
  ...header,
  method: 'smoothcache',
  changes: [rowsOf(STEPS - 1), rowsOf(STEPS - 2)],
};
const magcache: Calibration = {
  ...header,
  method: 'magcache',
  ratios: rowsOf(STEPS).map(([ratio]) => ratio as number),
  branchRatios: rowsOf(STEPS),
};
const router = {
  version: 1,
  kind: 'router',
  steps: STEPS,
  branches: branches.length,
  predictor: 'linear',
  threshold: 0.5,
  logits: constantLogits({ steps: STEPS, branches: branches.length, value: -1 }),
  provenance,
} as const;
const interval = fixedIntervalSchedule({ steps: STEPS, branches, interval: 3 });
const official = { attn: interval.table.map((row) => Number(row[0])) };
const files: Record<string, string> = {
  'tea.json': formatCalibration(teacache),
  'smooth.json': formatCalibration(smoothcache),
  'mag.json': formatCalibration(magcache),
  'official.json': JSON.stringify(official),
  'diffusers.json': JSON.stringify({ attn1: official.attn }),
  'router.json': formatRouter(router),
  'schedule.json': formatSchedule(interval),
};
const read = async (file: string) => files[file] ?? Promise.reject(new Error(`no ${file}`));
const context = { ...setting, read };

const scheduleFrom = async (given: string | PolicySpec) => {
  const policy = await policyFrom(given, context);
  if (policy.kind !== 'schedule') throw new Error(`${policy.kind} is no schedule`);
  return policy.schedule;
};

describe('policyFrom', () => {
  const run = { steps: STEPS, branches };
  const times = plan.steps.map(({ timestep }) => timestep);
  const attentionOnly = {
    ...interval,
    table: interval.table.map((row) => row.replaceAll(/(.)./g, '$11')),
  };

  it.each([
    ['fora:3', interval],
    ['fora:2,predictor=cubic', fixedIntervalSchedule({ ...run, interval: 2, predictor: 'cubic' })],
    ['interval:3', interval],
    [
      'interval:2,predictor=quadratic',
      fixedIntervalSchedule({
        ...run,
        interval: 2,
        align: 'first',
        initialSteps: 2,
        predictor: 'quadratic',
      }),
    ],
    [
      'interval:attention=3,mlp=2',
      fixedIntervalSchedule({ ...run, interval: { attention: 3, mlp: 2 } }),
    ],
    [
      'delta-dit:boundary=5,cached-blocks=2',
      deltaDitSchedule({ ...run, boundary: 5, cachedBlocks: 2 }),
    ],
    [
      'pab:attention=2,mlp=3,low=10,high=90',
      pabSchedule({
        times,
        branches,
        broadcast: {
          attention: { range: 2, window: [10, 90] },
          mlp: { range: 3, window: [10, 90] },
        },
      }),
    ],
    [
      `pab:attention=2,mlp=3,low=10,mlp-window=20-90,mlp-after=${times[2]}:0-1:3/${times[8]}:2`,
      pabSchedule({
        times,
        branches,
        broadcast: {
          attention: { range: 2, window: [10, 800] },
          mlp: { range: 3, window: [20, 90] },
        },
        mlp: [
          { time: times[2] as number, blocks: [0, 1], steps: 3 },
          { time: times[8] as number, blocks: [2], steps: 2 },
        ],
      }),
    ],
    [
      `pab:mlp-after=${times[1]}:0`,
      pabSchedule({
        times,
        branches,
        broadcast: {},
        mlp: [{ time: times[1] as number, blocks: [0] }],
      }),
    ],
    [
      'taylorseer:interval=3,order=2',
      taylorSeerSchedule({ ...run, interval: 3, predictor: 'taylor-2' }),
    ],
    ['taylorseer', taylorSeerSchedule({ ...run, predictor: 'taylor-4' })],
    ['taylorseer:order=8', taylorSeerSchedule({ ...run, predictor: 'taylor-8' })],
    [
      'smoothcache:smooth.json,threshold=0.2',
      smoothCacheSchedule({ recorded: smoothcache, branches, threshold: 0.2, provenance }),
    ],
    ['smoothcache:official.json', attentionOnly],
    ['smoothcache:diffusers.json,components=diffusers', attentionOnly],
    [
      'magcache:mag.json,threshold=0.9,per=kind,predictor=linear',
      magCacheSchedule({
        recorded: magcache,
        branches,
        threshold: 0.9,
        per: 'kind',
        predictor: 'linear',
        provenance,
      }),
    ],
    ['router.json', toSchedule(router)],
    ['schedule:router.json,threshold=0.2', toSchedule(router, { threshold: 0.2 })],
    [
      'schedule:router.json,threshold=0.2,predictor=taylor-2',
      { ...toSchedule(router, { threshold: 0.2 }), predictor: 'taylor-2' },
    ],
    ['schedule.json', interval],
    ['schedule:schedule.json,predictor=quadratic', { ...interval, predictor: 'quadratic' }],
  ])('makes the schedule of %s', async (text, expected) => {
    expect(await scheduleFrom(text)).toEqual(expected);
  });

  it('is called like its file, with what was changed of it', async () => {
    const names = async (text: string) => (await policyFrom(text, context)).name;
    expect(await names('router.json')).toBe('router');
    expect(await names('schedule:router.json,threshold=0.2')).toBe('schedule:router,threshold=0.2');
  });

  it('has a case of every name', async () => {
    const made = await Promise.all(
      [
        ...['none', 'fora:2', 'interval:2', 'delta-dit:boundary=2,cached-blocks=1'],
        ...['pab:mlp=2', 'smoothcache:official.json', 'magcache:mag.json', 'taylorseer'],
        ...['first-block', 'dbcache:front-blocks=1', 'teacache:tea.json,threshold=1'],
        'schedule:schedule.json',
      ].map((text) => policyFrom(text, context)),
    );
    expect(made.map(({ name }) => name.split(':')[0])).toEqual(policyNames());
    expect(made.filter(({ kind }) => kind === 'dynamic')).toHaveLength(3);
    expect(cacheMethodOf(made[0] as (typeof made)[number])).toBe(computeAll);
  });

  it.each([
    ['interval', /interval is undefined; expected one interval, or one for/],
    ['interval:2,mlp=3', /interval is 2; expected one interval, or one for/],
    ['pab', /ranges of pab/],
    [
      'pab:attention=2,mlp-window=10-90',
      /mlp-window is "10-90"; expected a range beside it: mlp=2/,
    ],
    ['pab:attention=2,attention-window=90-10', /window is \[90,10\]; expected the lower/],
    ['pab:mlp-after=676', /mlp-after is "676"; expected time:blocks/],
    ['pab:mlp-after=1234:0', /mlp.time is 1234; expected a model time of the run/],
    ['fora:0', /interval is 0/],
    ['taylorseer:order=9', /order is 9; expected an integer from 0 to 8/],
    ['dbcache:front-blocks=1,computed-steps=3-1', /computed-steps is "3-1"; expected integers/],
    ['dbcache:front-blocks=1,max-accumulated=0', /maxAccumulated is 0/],
    ['smoothcache:smooth.json', /threshold is undefined.*smoothcache:smooth.json,threshold=0.1/],
    ['smoothcache:official.json,threshold=0.1', /threshold is 0.1; expected nothing beside/],
    ['schedule:schedule.json,threshold=0.1', /it is a setting of a router/],
    ['dbcache', /fewer than the model's 3 blocks/],
    ['first-block:-1', /threshold is -1/],
  ])('refuses %s', async (text, message) => {
    await expect(policyFrom(text, context)).rejects.toThrow(InvalidArgumentError);
    await expect(policyFrom(text, context)).rejects.toThrow(message);
  });

  it.each(['taylorseer:order=1.5', 'fora:2.5', 'dbcache:front-blocks=1,warm-up=0.5'])(
    'refuses a fraction for a whole number: %s',
    async (text) => {
      await expect(policyFrom(text, context)).rejects.toThrow(ConfigError);
      await expect(policyFrom(text, context)).rejects.toThrow(/: expected a whole number\.$/);
    },
  );

  it('refuses as many predictors as there are no steps', async () => {
    const predictor = ['hold', 'linear'] as const;
    for (const policy of ['first-block', 'interval'] as const) {
      const wrong = { policy, predictor, ...(policy === 'interval' && { interval: 2 }) };
      await expect(policyFrom(wrong as PolicySpec, context)).rejects.toThrow(/each of 12 steps/);
    }
  });

  it('refuses files for another model, plan or method, and files that nobody reads', async () => {
    const other = { ...context, modelSha256: fingerprint('others') };
    const shorter = { ...context, plan: eulerPlan(STEPS - 1) };
    const guided = { ...context, guidance: { scale: 3, channels: 4 } };
    for (const text of [
      ...['teacache:tea.json,threshold=1', 'smoothcache:smooth.json,threshold=1'],
      ...['magcache:mag.json', 'router.json'],
    ]) {
      for (const wrong of [other, shorter, guided]) {
        await expect(policyFrom(text, wrong)).rejects.toMatchObject({ code: 'incompatible' });
      }
    }
    await expect(policyFrom('smoothcache:official.json', shorter)).rejects.toThrow(
      /number of steps/,
    );
    const swapped = policyFrom('teacache:mag.json,threshold=1', context);
    await expect(swapped).rejects.toThrow(/mag.json calibrates is "magcache"; expected "teacache"/);
    await expect(policyFrom('router.json', setting)).rejects.toThrow(/without read/);
  });
});

describe('policyOrigin', () => {
  it('is what the file of a spec was made for', async () => {
    const originOf = (text: string) => policyOrigin(parsePolicySpec(text), read);
    for (const text of [
      'router.json',
      'teacache:tea.json,threshold=1',
      'smoothcache:smooth.json',
    ]) {
      expect(await originOf(text)).toMatchObject({ steps: STEPS, provenance });
    }
    expect(await originOf('schedule.json')).toMatchObject({ steps: STEPS });
    expect(await originOf('smoothcache:official.json')).toBeUndefined();
    expect(await originOf('fora:2')).toBeUndefined();
    await expect(originOf('tea.json')).rejects.toMatchObject({
      code: 'config',
      source: 'tea.json',
    });
  });
});

describe('cacheMethodOf', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('runs schedules and dynamic policies with the predictor of the spec', async () => {
    const executor = createEagerExecutor(createTinyBackbone());
    const tiny = { ...setting, spec: executor.spec };
    const sample = async (text: string) => {
      const cache = cacheMethodOf(await policyFrom(text, tiny));
      return sampleTiny({ executor, plan, cache });
    };
    const uncached = await sample('none');
    expect((await sample('first-block:0')).values).toEqual(uncached.values);
    const hold = await sample('first-block:0.5');
    const linear = await sample('first-block:0.5,predictor=linear');
    expect(hold.decisions.flat()).toContain(false);
    expect(linear.values).not.toEqual(hold.values);
    const order0 = await policyFrom('taylorseer:interval=3,order=0', tiny);
    if (order0.kind !== 'schedule') throw new Error('no schedule');
    const reuse = { ...order0, schedule: { ...order0.schedule, predictor: 'hold' } } as const;
    const held = await sampleTiny({ executor, plan, cache: cacheMethodOf(reuse) });
    expect(order0.schedule.predictor).toBe('taylor-0');
    expect((await sample('taylorseer:interval=3,order=0')).values).toEqual(held.values);
    const masked = await sample(
      'dbcache:front-blocks=1,warm-up=1,threshold=1,computed-steps=2/4-5',
    );
    expect(masked.decisions.map((row) => Number(row.at(-1))).join('')).toBe('101011000000');
    expect((await sample('fora:2')).decisions.map((row) => row[0])).toEqual(
      fixedIntervalSchedule({
        steps: STEPS,
        branches: executor.spec.branches,
        interval: 2,
      }).table.map((row) => row[0] === '1'),
    );
    await executor.dispose();
  });
});

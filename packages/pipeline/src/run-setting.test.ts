import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ditConfig, ditSpec } from '@harmonica/backbones';
import { fingerprint, type RouterFile } from '@harmonica/core';
import {
  constantLogits,
  createProvenance,
  formatCalibration,
  formatRouter,
} from '@harmonica/router';
import { createPlan, DIT_PROCESS } from '@harmonica/samplers';
import { temporaryFolder } from '@harmonica/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ResolveRunSettingOptions, resolveRunSetting } from './run-setting.js';

const spec = ditSpec(ditConfig('DiT-S/8', { depth: 2 }));
const model = {
  backbone: { spec } as ResolveRunSettingOptions['model']['backbone'],
  sha256: fingerprint('weights'),
  defaultGuidance: { scale: 3, channels: 4 },
  process: DIT_PROCESS,
};
const plan = createPlan({ sampler: 'iddpm', steps: '5' });
const router: RouterFile = {
  version: 1,
  kind: 'router',
  steps: 5,
  branches: 4,
  predictor: 'linear',
  threshold: 0.5,
  logits: constantLogits({ steps: 5, branches: 4, value: -1 }),
  provenance: createProvenance({
    spec,
    modelSha256: model.sha256,
    plan,
    guidance: { scale: 2, channels: 3 },
  }),
};

describe('resolveRunSetting', () => {
  let path: string;
  beforeAll(async () => {
    path = join(await temporaryFolder(), 'router.json');
    await writeFile(path, formatRouter(router));
  });

  it('is DDIM with 20 steps, uncached, guided as the model wants it', async () => {
    const setting = await resolveRunSetting({ options: {}, model });
    expect(setting.plan).toEqual(createPlan({}));
    expect(setting.guidance).toEqual({ scale: 3, channels: 4 });
    expect(setting.cache).toBeUndefined();
  });

  it('follows the router where nothing else is said', async () => {
    const setting = await resolveRunSetting({ options: { router: path }, model });
    expect(setting.plan).toEqual(plan);
    expect(setting.guidance).toEqual({ scale: 2, channels: 3 });
    expect(setting.cache).toMatchObject({ name: 'router', schedule: { predictor: 'linear' } });
  });

  it('says no guidance as a scale of 1, and all channels by their number', async () => {
    const one = await resolveRunSetting({ options: { guidance: 1 }, model });
    expect(one.guidance).toBeUndefined();
    const all = await resolveRunSetting({ options: { guidedChannels: 'all' }, model });
    expect(all.guidance).toEqual({ scale: 3, channels: 4 });
  });

  it.each([
    [{ steps: '6' }, /number of steps is 5; expected 6/],
    [{ sampler: 'ddim' }, /sampler that the router was made for is "ddpm"; expected "ddim"/],
    [{ sampler: 'ddpm' }, /sampler plan/],
    [{ guidance: 3 }, /guidance scale that the router was made for is 2; expected 3/],
    [{ guidedChannels: 'all' }, /guided channels that the router was made for is 3; expected 4/],
  ] as const)('refuses a router that does not fit %o', async (options, message) => {
    const refused = resolveRunSetting({ options: { ...options, router: path }, model });
    await expect(refused).rejects.toMatchObject({ code: 'incompatible' });
    await expect(refused).rejects.toThrow(message);
  });

  it('refuses a router for another model', async () => {
    const other = { ...model, sha256: fingerprint('other weights') };
    await expect(
      resolveRunSetting({ options: { router: path }, model: other }),
    ).rejects.toMatchObject({ code: 'incompatible' });
  });

  it('refuses a router beside a policy, and files that are no routers', async () => {
    const both = { router: path, policy: 'fora:2' } as const;
    await expect(resolveRunSetting({ options: both, model })).rejects.toThrow(
      /Give one of the two/,
    );
    const missing = resolveRunSetting({ options: { router: '/nowhere/x.json' }, model });
    await expect(missing).rejects.toMatchObject({ code: 'file', path: '/nowhere/x.json' });
    const none = await resolveRunSetting({ options: { router: 'none' }, model });
    expect(none.cache).toBeUndefined();
  });

  it('makes FORA of hold, and lets forecasts start with what they read', async () => {
    const tableOf = async (predictor: 'hold' | 'quadratic') => {
      const options = { policy: 'interval:2', predictor, steps: '6' } as const;
      const { cache } = await resolveRunSetting({ options, model });
      return cache?.kind === 'schedule' && cache.schedule.table.map((row) => row[0]).join('');
    };
    expect(await tableOf('hold')).toBe('110101');
    expect(await tableOf('quadratic')).toBe('111010');
  });

  it('follows the calibration of a policy, and refuses one for another run', async () => {
    const calibration = join(await temporaryFolder(), 'tea.json');
    await writeFile(
      calibration,
      formatCalibration({
        version: 1,
        kind: 'calibration',
        method: 'teacache',
        steps: 5,
        branches: 4,
        runs: 1,
        coefficients: [1, 0],
        rSquared: 1,
        samples: 4,
        provenance: router.provenance,
      }),
    );
    const policy = `teacache:${calibration},threshold=0.2`;
    const setting = await resolveRunSetting({ options: { policy, predictor: 'linear' }, model });
    expect(setting.plan).toEqual(plan);
    expect(setting.guidance).toEqual({ scale: 2, channels: 3 });
    expect(setting.cache).toMatchObject({
      kind: 'dynamic',
      name: `${policy},predictor=linear`,
      predictor: 'linear',
    });
    const refused = resolveRunSetting({ options: { policy, guidance: 3 }, model });
    await expect(refused).rejects.toThrow(/that the calibration was made for is 2; expected 3/);
  });

  it('takes a router as a policy too, and lists policies for a name that is none', async () => {
    const setting = await resolveRunSetting({ options: { policy: path }, model });
    expect(setting.cache).toMatchObject({ kind: 'schedule', name: 'router' });
    const unknown = resolveRunSetting({ options: { policy: 'fixed-interval' }, model });
    await expect(unknown).rejects.toThrow(/expected one of none, fora, /);
  });
});

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprint, type RouterFile } from '@harmonica/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { emojiDitConfig } from './emoji-dit-config.js';
import { emojiDitRouter, findRouter, listRouters } from './routers.js';

function routerOf(steps: number, threshold: number): RouterFile {
  return {
    version: 1,
    kind: 'router',
    steps,
    branches: 1,
    predictor: 'quadratic',
    threshold,
    logits: Array.from({ length: steps }, () => [5]),
    provenance: {
      model: { name: 'emoji-dit', sha256: fingerprint('model') },
      sampler: { name: 'ddim', steps, planSha256: fingerprint('plan') },
      guidance: { scale: 3, channels: 4 },
      latent: { height: 16, width: 16, channels: 4 },
    },
  };
}

describe('emojiDitRouter', () => {
  let folder: string;
  const files: Record<string, RouterFile> = {
    'ddim-20-quadratic-1.3x.json': routerOf(20, 0.1),
    'ddim-20-per-step-1.6x.json': routerOf(20, 0.2),
    'ddim-20-hold-2x.json': routerOf(20, 0.3),
    'ddim-10-hold-1.5x.json': routerOf(10, 0.4),
    'iddpm-20-linear-1.9x.json': routerOf(20, 0.5),
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'routers-'));
    for (const [file, router] of Object.entries(files)) {
      await writeFile(join(folder, file), JSON.stringify(router));
    }
    await writeFile(join(folder, 'README.md'), 'no router');
    await writeFile(join(folder, 'ddim-20-per-step-1.6x.record.json'), '[]');
  });

  it('lists routers by steps, predictor and speed-up', async () => {
    const routers = await listRouters(folder);
    expect(routers.map(({ name }) => name)).toEqual([
      'ddim-10-hold-1.5x',
      'ddim-20-hold-2x',
      'iddpm-20-linear-1.9x',
      'ddim-20-per-step-1.6x',
      'ddim-20-quadratic-1.3x',
    ]);
    expect(routers[4]).toEqual({
      name: 'ddim-20-quadratic-1.3x',
      sampler: 'ddim',
      steps: 20,
      predictor: 'quadratic',
      speedUp: 1.3,
      path: join(folder, 'ddim-20-quadratic-1.3x.json'),
    });
  });

  it('reads a router by name, or the fastest forecasting one for DDIM steps', async () => {
    const byName = await emojiDitRouter('ddim-20-hold-2x', folder);
    expect(byName).toEqual(files['ddim-20-hold-2x.json']);
    expect((await findRouter(20, folder)).name).toBe('ddim-20-per-step-1.6x');
    expect((await emojiDitRouter(20, folder)).threshold).toBe(0.2);
    expect((await emojiDitRouter(10, folder)).threshold).toBe(0.4);
  });

  it('names the routers there are', async () => {
    await expect(emojiDitRouter(15, folder)).rejects.toThrow(/router is 15.*ddim-10-hold-1\.5x/);
    await expect(emojiDitRouter('ddim-20', '/nowhere')).rejects.toThrow(/no router is shipped/);
  });

  it('ships routers whose names tell what they are and that fit the model', async () => {
    const { dit } = await emojiDitConfig();
    for (const { name, sampler, steps, predictor } of await listRouters()) {
      const router = await emojiDitRouter(name);
      expect(router, name).toMatchObject({ steps, branches: 2 * dit.depth });
      expect(typeof router.predictor === 'string' ? router.predictor : 'per-step').toBe(predictor);
      expect(router.provenance.sampler.name, name).toBe(sampler === 'iddpm' ? 'ddpm' : sampler);
    }
  });
});

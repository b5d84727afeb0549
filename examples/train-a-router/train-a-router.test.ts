import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRouterFile } from '@harmonica/core';
import { decodePng } from '@harmonica/pictures';
import { expect, it } from 'vitest';
import { writeTinyModel } from '../../packages/emoji-dit/test/tiny-model.js';
import { trainARouter } from './index.js';

it('learns a router that reaches its speed-up, and writes it with its heat map', async () => {
  const out = join(await mkdtemp(join(tmpdir(), 'train-a-router-')), 'router.json');
  const losses: number[] = [];
  const { router, map } = await trainARouter({
    steps: 4,
    config: { iterations: 3, batchSize: 1, targetSpeedup: 1.2 },
    out,
    folder: await writeTinyModel(),
    onLoss: (loss) => losses.push(loss),
  });
  expect(losses).toHaveLength(3);
  expect(losses.every((loss) => loss > 0 && Number.isFinite(loss))).toBe(true);
  const written = parseRouterFile(await readFile(out, 'utf8'), out);
  expect(written).toMatchObject({ steps: 4, branches: 6, threshold: router.threshold });
  const { theoreticalSpeedUp } = router.provenance.training as { theoreticalSpeedUp: number };
  expect(theoreticalSpeedUp).toBeGreaterThanOrEqual(1.2);
  expect(map.panels.map(({ kind }) => kind)).toEqual(['attention', 'mlp']);
  expect(decodePng(await readFile(out.replace('.json', '.png'))).width).toBeGreaterThan(99);
});

import { expect, it } from 'vitest';
import { writeTinyModel } from '../../packages/emoji-dit/test/tiny-model.js';
import { mixSamplersAndRouters } from './index.js';

it('runs every sampler with every policy', async () => {
  const mixes = await mixSamplersAndRouters(4, await writeTinyModel());
  const policies = [
    ['none', 0],
    ['interval 2, hold', 0.25],
    ['interval 2, quadratic', 0.25],
    ['attention every 2nd', 0.25],
  ];
  expect(
    mixes.map(({ sampler, policy, cacheUtilization }) => [sampler, policy, cacheUtilization]),
  ).toEqual(
    ['DDIM', 'DDIM, eta 0.5', 'IDDPM'].flatMap((sampler) =>
      policies.map((policy) => [sampler, ...policy]),
    ),
  );
  for (const first of [0, 4, 8]) {
    const [none, ...cached] = mixes.slice(first, first + 4).map(({ psnrDb }) => psnrDb);
    expect(none).toBe(Infinity);
    expect(Math.min(...cached)).toBeGreaterThan(20);
    expect(Math.min(...cached)).toBeLessThan(Infinity); // what is predicted is not what is computed
  }
});

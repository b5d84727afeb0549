import { expect, it } from 'vitest';
import { writeTinyModel } from '../../packages/emoji-dit/test/tiny-model.js';
import { mixSamplersAndRouters } from './index.js';

it('runs every sampler with every policy', async () => {
  const mixes = await mixSamplersAndRouters(4, await writeTinyModel());
  const policies = ['interval 2, hold', 'interval 2, quadratic', 'attention every 2nd'];
  expect(mixes.map(({ sampler, policy, predicted }) => [sampler, policy, predicted])).toEqual(
    ['ddim', 'dpm-solver++', 'ddpm'].flatMap((sampler) =>
      policies.map((policy) => [sampler, policy, 0.25]),
    ),
  );
  for (const { meanDb } of mixes) {
    expect(meanDb).toBeGreaterThan(20);
    expect(meanDb).toBeLessThan(Infinity); // what is predicted is not what is computed
  }
});

import { describe, expect, it } from 'vitest';
import { DIT_SIZES, type DitSize, ditConfig, ditSpec } from './dit.js';
import { ditParameters } from './dit-family.js';

/** Gflops and millions of parameters of the 256 x 256 models (Peebles and Xie, 2022, Table 4). */
const PUBLISHED: Record<DitSize, { gmacs: number; parameters: number }> = {
  'DiT-S/8': { gmacs: 0.36, parameters: 33 },
  'DiT-S/4': { gmacs: 1.41, parameters: 33 },
  'DiT-S/2': { gmacs: 6.06, parameters: 33 },
  'DiT-B/8': { gmacs: 1.42, parameters: 131 },
  'DiT-B/4': { gmacs: 5.56, parameters: 130 },
  'DiT-B/2': { gmacs: 23.01, parameters: 130 },
  'DiT-L/8': { gmacs: 5.01, parameters: 459 },
  'DiT-L/4': { gmacs: 19.7, parameters: 458 },
  'DiT-L/2': { gmacs: 80.71, parameters: 458 },
  'DiT-XL/8': { gmacs: 7.39, parameters: 676 },
  'DiT-XL/4': { gmacs: 29.05, parameters: 675 },
  'DiT-XL/2': { gmacs: 118.64, parameters: 675 },
};

describe('ditSpec', () => {
  it.each(DIT_SIZES)('counts the published multiply-accumulates of %s', (size) => {
    const { begin, branches, end } = ditSpec(ditConfig(size)).macs;
    const total = branches.reduce((a, b) => a + b, begin + end);
    const { gmacs } = PUBLISHED[size];
    // Printed to two digits; and the paper's counter differs from matrix products alone by up to 2e-4.
    expect(Math.abs(total / 1e9 - gmacs)).toBeLessThan(0.005 + 2e-4 * gmacs);
  });

  it.each([
    { inputSize: 32, attention: 1510, mlp: 2718 },
    { inputSize: 64, attention: 7852, mlp: 10_872 },
  ])('costs a block of DiT-XL/2 on $inputSize x $inputSize latents', (example) => {
    const { inputSize, attention, mlp } = example;
    const [first, second] = ditSpec(ditConfig('DiT-XL/2', { inputSize })).macs.branches;
    expect([first, second].map((macs) => Math.round((macs as number) / 1e6))).toEqual([
      attention,
      mlp,
    ]);
  });

  it('alternates attention and MLP in the order they run', () => {
    const { branches, macs } = ditSpec(ditConfig('DiT-S/4'));
    expect(branches).toHaveLength(24);
    expect(macs.branches).toHaveLength(24);
    expect(branches.slice(0, 3)).toEqual([
      { index: 0, block: 0, kind: 'attention' },
      { index: 1, block: 0, kind: 'mlp' },
      { index: 2, block: 1, kind: 'attention' },
    ]);
  });

  it('describes input, output and the null class, as plain JSON', () => {
    const spec = ditSpec(ditConfig('DiT-B/4', { inputSize: 64, learnSigma: false }));
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
    expect(spec).toMatchObject({
      name: 'DiT-B/4',
      latent: { height: 64, width: 64, channels: 4 },
      outputChannels: 4,
      prediction: 'epsilon',
      tokens: { count: 256, width: 768 },
      condition: [{ name: 'labels', dtype: 'int32', shape: [] }],
      nullCondition: { labels: [1000] },
    });
  });
});

describe('ditParameters', () => {
  it.each(DIT_SIZES)('lists the published number of parameters of %s', (size) => {
    const config = ditConfig(size);
    const total = ditParameters(config)
      .map(({ shape }) => shape.reduce((a, b) => a * b))
      .reduce((a, b) => a + b);
    expect(Math.abs(total / 1e6 - PUBLISHED[size].parameters)).toBeLessThan(0.6);
  });
});

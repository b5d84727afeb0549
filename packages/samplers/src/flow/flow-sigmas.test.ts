import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { createFlowSigmas, dynamicShiftFactor } from './flow-sigmas.js';

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((sigma, i) => {
    expect(sigma).toBeCloseTo(expected[i] as number, 14);
  });
}

describe('createFlowSigmas', () => {
  it('goes evenly from 1 to 1 / length', () => {
    expectClose(createFlowSigmas({ steps: 4, length: 10 }), [1, 0.7, 0.4, 0.1]);
    expectClose(createFlowSigmas({ steps: 3, length: 1, sigmaMin: 0.5 }), [1, 0.75, 0.5]);
    expect(createFlowSigmas({ steps: 1 })).toEqual([1]);
  });

  it('shifts towards noise, and ends on the twice shifted 1 / length', () => {
    // 0.1 becomes 3 * 0.1 / 1.2 = 0.25, which becomes 0.75 / 1.5 = 0.5; 0.625 becomes 1.875 / 2.25.
    expectClose(createFlowSigmas({ steps: 3, length: 10, shift: 3 }), [1, 1.875 / 2.25, 0.5]);
  });

  it('shifts given levels once', () => {
    expectClose(createFlowSigmas({ sigmas: [1, 0.5], shift: 3 }), [1, 0.75]);
    expectClose(createFlowSigmas({ sigmas: [0.5, 0.25] }), [0.5, 0.25]);
  });

  it('stretches to a terminal level', () => {
    const sigmas = createFlowSigmas({ steps: 5, shiftTerminal: 0.2 });
    expect(sigmas[0]).toBe(1);
    expect(sigmas.at(-1)).toBeCloseTo(0.2, 14);
  });

  it('spreads levels anew between the ends', () => {
    const options = { steps: 6, shift: 2 } as const;
    const plain = createFlowSigmas(options);
    for (const sigmaSpacing of ['karras', 'exponential', 'beta'] as const) {
      const sigmas = createFlowSigmas({ ...options, sigmaSpacing });
      expect([sigmas[0], sigmas.at(-1)]).toEqual([plain[0], plain.at(-1)]);
      expect(sigmas).not.toEqual(plain);
    }
  });

  it.each([
    {},
    { steps: 4, sigmas: [1] },
    { steps: 0 },
    { steps: 2.5 },
    { steps: 4, length: 0 },
    { steps: 4, length: 1 },
    { steps: 4, sigmaMin: 0 },
    { steps: 4, shift: 0 },
    { steps: 4, shift: Number.NaN },
    { steps: 4, shift: 3, dynamicShift: { tokens: 1024 } },
    { steps: 4, shiftTerminal: 1 },
    { steps: 1, shiftTerminal: 0.5 },
    { sigmas: [] },
    { sigmas: [0.5, 0.5] },
    { sigmas: [1, 0] },
    { sigmas: [1.1, 0.5] },
    { steps: 4, sigmaSpacing: 'cosine' as 'karras' },
    { steps: 4, dynamicShift: { tokens: -1e9, kind: 'linear' as const } },
  ])('refuses %j', (options) => {
    expect(() => createFlowSigmas(options)).toThrow(InvalidArgumentError);
  });
});

describe('dynamicShiftFactor', () => {
  it('is exponential in a line through its two ends', () => {
    expect(dynamicShiftFactor({ tokens: 256 })).toBeCloseTo(Math.exp(0.5), 14);
    expect(dynamicShiftFactor({ tokens: 4096 })).toBeCloseTo(Math.exp(1.15), 14);
    const ends = { baseTokens: 0, maxTokens: 100, baseShift: 1, maxShift: 3 };
    expect(dynamicShiftFactor({ tokens: 50, ...ends })).toBeCloseTo(Math.exp(2), 14);
    expect(dynamicShiftFactor({ tokens: 50, ...ends, kind: 'linear' })).toBeCloseTo(2, 14);
  });
});

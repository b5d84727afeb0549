import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng, philox4x32, restoreRng } from './rng.js';

describe('createRng', () => {
  it('draws the Philox block with counter (n, stream) and key seed', () => {
    const rng = createRng({ seed: 2 ** 32 + 5, stream: 3 });
    rng.uniform();
    const [a, b] = philox4x32([1, 0, 3, 0], [5, 1]);
    expect(rng.uniform()).toBe(((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53);
  });

  it('gives the specified normal numbers', () => {
    const [a, b, c, d] = philox4x32([0, 0, 0, 0], [0, 0]);
    const u1 = 1 - ((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53;
    const u2 = ((c >>> 5) * 2 ** 26 + (d >>> 6)) / 2 ** 53;
    const radius = Math.sqrt(-2 * Math.log(u1));
    const values = createRng({ seed: 0 }).fillNormal(new Float32Array(3));
    expect(values[0]).toBe(Math.fround(radius * Math.cos(2 * Math.PI * u2)));
    expect(values[1]).toBe(Math.fround(radius * Math.sin(2 * Math.PI * u2)));
    // Known answers, so that a change of the stream cannot pass unseen.
    expect(Array.from(values)).toMatchInlineSnapshot(`
      [
        -0.09047304838895798,
        -1.0051318407058716,
        -0.9238336086273193,
      ]
    `);
  });

  it('has the moments of a standard normal', () => {
    const values = createRng({ seed: 42 }).fillNormal(new Float32Array(200_000));
    const mean = values.reduce((total, v) => total + v, 0) / values.length;
    const variance = values.reduce((total, v) => total + (v - mean) ** 2, 0) / values.length;
    const kurtosis =
      values.reduce((total, v) => total + (v - mean) ** 4, 0) / values.length / variance ** 2;
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1)).toBeLessThan(0.015);
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.06);
  });

  it('continues from a saved state as if never stopped', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.integer({ min: 0, max: 9 }), (seed, stream, draws) => {
        const rng = createRng({ seed, stream });
        rng.fillNormal(new Float32Array(draws));
        const resumed = restoreRng(JSON.parse(JSON.stringify(rng.state())));
        expect(resumed.uniform()).toBe(rng.uniform());
        expect(resumed.integer(17)).toBe(rng.integer(17));
      }),
    );
  });

  it('draws every integer below the bound', () => {
    const rng = createRng({ seed: 1 });
    const counts = new Array(5).fill(0);
    for (let i = 0; i < 5000; i++) counts[rng.integer(5)] += 1;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses the seed %s', (seed) => {
    expect(() => createRng({ seed })).toThrowError(/seed is .* expected an integer/);
  });

  it('refuses a bound that is not an integer in [1, 2^32]', () => {
    expect(() => createRng({ seed: 0 }).integer(0)).toThrowError(/bound is 0/);
  });
});

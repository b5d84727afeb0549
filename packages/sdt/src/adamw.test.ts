import { describe, expect, it } from 'vitest';
import { initAdamW, updateAdamW } from './adamw.js';

describe('updateAdamW', () => {
  it('moves by the learning rate in the first update, whatever the size of the gradient', () => {
    const { parameters } = updateAdamW({
      parameters: [1, 1],
      gradient: [1e3, -1e-3],
      state: initAdamW(2),
      learningRate: 0.1,
    });
    expect(parameters[0]).toBeCloseTo(0.9, 10);
    expect(parameters[1]).toBeCloseTo(1.1, 5);
  });

  it('follows the published recurrences', () => {
    const gradients = [0.3, -0.1, 0.7];
    let p = 0.5;
    let m = 0;
    let v = 0;
    let result = { parameters: [0.5] as readonly number[], state: initAdamW(1) };
    gradients.forEach((g, i) => {
      const options = { learningRate: 0.01, weightDecay: 0.2 };
      result = updateAdamW({ ...result, gradient: [g], ...options });
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      p -= 0.01 * 0.2 * p;
      p -= (0.01 * (m / (1 - 0.9 ** (i + 1)))) / (Math.sqrt(v / (1 - 0.999 ** (i + 1))) + 1e-8);
      expect(result.parameters[0]).toBeCloseTo(p, 14);
    });
    expect(result.state.count).toBe(3);
  });

  it('finds the minimum of a parabola', () => {
    let result = { parameters: [4] as readonly number[], state: initAdamW(1) };
    for (let i = 0; i < 500; i++) {
      const gradient = [2 * ((result.parameters[0] as number) - 1)];
      result = updateAdamW({ ...result, gradient, learningRate: 0.05 });
    }
    expect(result.parameters[0]).toBeCloseTo(1, 2);
  });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { foldCorrector, type PredictorCorrectorStep } from './exponential-step.js';

const factor = fc.double({ min: -1, max: 1, noNaN: true });
const factors = (maxLength: number) => fc.array(factor, { minLength: 1, maxLength });

/** A random method: no step reads predictions that are not made yet. */
const methods: fc.Arbitrary<PredictorCorrectorStep[]> = fc.tuple(
  ...Array.from({ length: 7 }, (_, index) =>
    fc
      .tuple(factor, factors(index + 1), factor, fc.option(factors(index + 2), { nil: undefined }))
      .map(
        ([carry, history, std, corrector]): PredictorCorrectorStep => ({
          predictor: { carry, history, noise: { kind: 'fixed', std } },
          ...(corrector && { corrector }),
        }),
      ),
  ),
);

const model = (x: number) => Math.tanh(1.3 * x + 0.2);
const draw = (index: number) => Math.sin(7 * index + 1);

/** The latents that the model sees, with the corrected latent kept on the side. */
function textbook(steps: readonly PredictorCorrectorStep[], start: number): number[] {
  const predictions = [model(start)];
  let corrected = start;
  return steps.map(({ predictor, corrector }, n) => {
    const { carry, history, noise } = predictor;
    const std = noise.kind === 'fixed' ? noise.std : Number.NaN;
    const base = carry * corrected + std * draw(n);
    const sum = (weights: readonly number[]) =>
      weights.reduce((total, w, j) => total + w * (predictions[j] as number), base);
    const predicted = sum(history);
    predictions.unshift(model(predicted));
    corrected = corrector ? sum(corrector) : predicted;
    return predicted;
  });
}

it('gives the latents of a loop that keeps the corrected latent', () => {
  fc.assert(
    fc.property(methods, factor, (steps, start) => {
      const expected = textbook(steps, start);
      const predictions: number[] = [];
      let x = start;
      foldCorrector(steps).forEach(({ carry, history, noise }, n) => {
        predictions.unshift(model(x));
        const std = noise.kind === 'fixed' ? noise.std : Number.NaN;
        const mean = history.reduce((t, h, j) => t + h * (predictions[j] as number), carry * x);
        x = mean + std * draw(n);
        expect(x).toBeCloseTo(expected[n] as number, 10);
      });
    }),
  );
});

it('reads no further back than the longer of predictor and corrector', () => {
  const fixed = { kind: 'fixed', std: 0 } as const;
  const steps = [
    { predictor: { carry: 1, history: [1], noise: fixed }, corrector: [1, 1] },
    { predictor: { carry: 1, history: [1], noise: fixed }, corrector: [1] },
    { predictor: { carry: 1, history: [1, 1, 1], noise: fixed } },
  ];
  expect(foldCorrector(steps).map(({ history }) => history.length)).toEqual([1, 2, 3]);
});

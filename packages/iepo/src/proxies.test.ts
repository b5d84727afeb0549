import '@tensorflow/tfjs-backend-cpu';
import { createEagerExecutor, InvalidArgumentError } from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import { predictorByName } from '@harmonica/router';
import { createDdimPlan } from '@harmonica/samplers';
import { tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { choosePredictors, marginalLambda } from './marginal-lambda.js';
import { cumulativeLambda, leaveOneOutLambda } from './paper-lambda.js';
import { proxyByName, proxyNames, proxyPredictors, registerProxy, stepWeights } from './proxies.js';
import { choosePredictorsAlone, singleStepLambda } from './single-step-lambda.js';

const STEPS = 5;
const backbone = createTinyBackbone();
const executor = createEagerExecutor(backbone);
const run = {
  executor,
  plan: createDdimPlan({ steps: STEPS }),
  predictor: predictorByName('hold'),
  condition: { labels: tensor1d([1, 3], 'int32') },
  guidance: { scale: 2 },
  threshold: 0.5,
};
const values = Array.from({ length: 64 }, (_, i) => Math.sin(7 * i));
const parts = [{ run, latent: tensor4d([...values, ...values], [2, 4, 4, 4]) }];
const soft = Array.from({ length: STEPS }, (_, step) =>
  [0, 1, 2, 3].map((branch) => 0.5 + 0.4 * Math.cos(3 * step + 5 * branch)),
);
const hard = soft.map((_, step) => [0, 1, 2, 3].map(() => (step % 2 === 0 ? 1 : 0)));
const candidates = ['quadratic', 'linear', 'hold'].map(predictorByName);
const chosen = soft.map(() => 0);
const options = { parts, soft, hard };
const search = { ...options, candidates, chosen };

afterAll(() => backbone.dispose());

describe('proxies', () => {
  it('have the names that training configs have', () => {
    const names = ['leave-one-out', 'cumulative', 'marginal', 'single-step', 'uniform'];
    expect(proxyNames()).toEqual(names);
    expect(names.map((name) => proxyByName(name).isRelative)).toEqual(
      names.map((name) => name === 'marginal' || name === 'single-step'),
    );
    expect(() => proxyByName('margnal')).toThrow(InvalidArgumentError);
    expect(() => proxyByName('margnal')).toThrow(/proxy is "margnal"; expected one of leave-one/);
  });

  it.each([
    ['leave-one-out', leaveOneOutLambda],
    ['cumulative', cumulativeLambda],
  ])('%s weighs by lambda of the soft scores', async (proxy, find) => {
    const lambda = await find({ parts, scores: soft });
    expect(await stepWeights({ ...options, proxy })).toEqual({ lambda, lossWeights: lambda });
    const found = await stepWeights({ ...search, proxy });
    expect(found).toMatchObject({ lambda, lossWeights: lambda });
    expect(found.chosen).toEqual(await choosePredictors({ ...search, scores: hard }));
  });

  it.each([
    ['marginal', marginalLambda],
    ['single-step', singleStepLambda],
  ])('%s weighs by lambda of the hard scores for each unit of error', async (proxy, find) => {
    const { lambda, stepError } = await find({ parts, scores: hard });
    const mean = lambda.reduce((sum, value) => sum + value, 0) / (STEPS - 1);
    const lossWeights = lambda.map((value, t) =>
      t > 0 ? value / (stepError[t] as number) / mean : 0,
    );
    expect(Math.max(...lossWeights)).toBeGreaterThan(0);
    expect(await stepWeights({ ...options, proxy })).toEqual({ lambda, lossWeights });
    const found = await stepWeights({ ...search, proxy });
    expect(found.chosen).toEqual((await find({ ...search, scores: hard })).chosen);
    expect(Math.max(...(found.chosen as number[]))).toBeGreaterThan(0);
  });

  it('uniform weighs all steps but the first alike', async () => {
    const ones = [0, 1, 1, 1, 1];
    expect(await stepWeights({ ...options, proxy: 'uniform' })).toEqual({
      lambda: ones,
      lossWeights: ones,
    });
  });

  it('choose predictors in their own way', async () => {
    const given = { parts, candidates, chosen, scores: hard };
    const alone = await choosePredictorsAlone(given);
    expect(await proxyPredictors({ ...given, proxy: 'single-step' })).toEqual(alone);
    const together = await choosePredictors(given);
    for (const proxy of ['uniform', 'marginal', 'cumulative']) {
      expect(await proxyPredictors({ ...given, proxy })).toEqual(together);
    }
  });

  it('may be those of a program', async () => {
    const lambda = [0, 1, 2, 3, 4];
    const late = {
      name: 'late',
      summary: 'later steps weigh more',
      isRelative: false,
      weigh: async () => ({ lambda, lossWeights: lambda }),
      choose: async () => [1, 1, 1, 1, 1],
    };
    const remove = registerProxy(late);
    try {
      expect(proxyNames().at(-1)).toBe('late');
      expect(await stepWeights({ ...search, proxy: 'late' })).toEqual({
        lambda,
        lossWeights: lambda,
        chosen: [1, 1, 1, 1, 1],
      });
      expect(() => registerProxy(late)).toThrow(/name of a proxy is "late"; expected a name other/);
    } finally {
      remove();
    }
    await expect(stepWeights({ ...options, proxy: 'late' })).rejects.toThrow(InvalidArgumentError);
  });
});

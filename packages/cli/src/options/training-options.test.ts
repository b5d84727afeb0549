import { registerProxy } from '@harmonica/iepo';
import { registerPredictor } from '@harmonica/router';
import { defaultConfig, paperConfig } from '@harmonica/sdt';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  addTrainingOptions,
  CONFIG_OPTIONS,
  type TrainingOptions,
  trainingConfig,
} from './training-options.js';

const parse = (argv: readonly string[]) =>
  addTrainingOptions(new Command().exitOverride().configureOutput({ writeErr: () => {} }))
    .parse(argv, { from: 'user' })
    .opts<TrainingOptions>();

describe('training options', () => {
  it('know proxies and predictors that a program adds', () => {
    const weigh = async () => ({ lambda: [], lossWeights: [] });
    const proxy = { name: 'own-proxy', summary: 'of a program', isRelative: false, weigh };
    const removals = [
      registerProxy(proxy),
      registerPredictor({ name: 'own-predictor', depth: 1, coefficients: () => [1] }),
    ];
    try {
      const options = parse(['--proxy', 'own-proxy', '--predictor', 'own-predictor']);
      expect(options).toEqual({ proxy: 'own-proxy', predictor: 'own-predictor' });
      const help: string[] = [];
      const writeOut = (text: string) => help.push(text);
      addTrainingOptions(new Command().configureOutput({ writeOut })).outputHelp();
      expect(help.join('')).toMatch(/lambda\(t\): .*uniform, own-proxy.*own-predictor, per-step/s);
      expect(help.join('')).toContain('own-proxy\n    of a program');
    } finally {
      for (const remove of removals) remove();
    }
    expect(() => parse(['--proxy', 'own-proxy'])).toThrow(/Expected one of leave-one-out/);
  });

  it('give every field of the config its own name', () => {
    const names = addTrainingOptions(new Command()).options.map((o) => o.attributeName());
    expect(names).toEqual(Object.keys(CONFIG_OPTIONS));
    expect(names).toEqual(expect.arrayContaining(Object.keys(paperConfig)));
  });

  it('change what they name and nothing else', () => {
    const options = parse([
      ...['--seed', '7', '--batch-size', '2', '--iterations', '30', '--learning-rate', '0.5'],
      ...['--final-learning-rate', '0.1', '--beta', '0', '--target-speedup', '1.5'],
      ...['--costs', 'uniform', '--proxy', 'cumulative', '--refresh-every', '9'],
      ...['--refresh-share', '1', '--predictor', 'linear', '--granularity', 'branch'],
      ...['--threshold', '0.2', '--initial', 'interval:3', '--hard-finish', '0.25', '--swaps', '4'],
      ...['--trainer', 'l2c', '--batches', 'repeated', '--micro-batch', '2'],
    ]);
    expect(trainingConfig(defaultConfig, options)).toEqual({
      seed: 7,
      batchSize: 2,
      iterations: 30,
      learningRate: 0.5,
      finalLearningRate: 0.1,
      beta: 0,
      targetSpeedup: 1.5,
      costs: 'uniform',
      proxy: 'cumulative',
      refreshEvery: 9,
      refreshShare: 1,
      predictor: 'linear',
      granularity: 'branch',
      threshold: 0.2,
      initial: { kind: 'interval', interval: 3, initialSteps: 2 },
      hardFinish: 0.25,
      swaps: 4,
      trainer: 'l2c',
      batches: 'repeated',
      microBatch: 2,
    });
    expect(trainingConfig(paperConfig, parse([]))).toEqual(paperConfig);
    const { initial } = parse(['--initial', 'interval:4:1']);
    expect(initial).toEqual({ kind: 'interval', interval: 4, initialSteps: 1 });
  });

  it('refuse what no config can have', () => {
    for (const argv of [
      ['--initial', 'ones'],
      ['--initial', 'interval:0'],
      ['--proxy', 'x'],
    ]) {
      expect(() => parse(argv), argv.join(' ')).toThrow(/Expected/);
    }
  });
});

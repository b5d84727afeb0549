import { pixartConfig } from '@harmonica/backbones';
import {
  architectureOf,
  createExecutor,
  numberedJobs,
  randomModel,
  selectBackend,
} from '@harmonica/pipeline';
import { createPlan } from '@harmonica/samplers';
import { memory } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { throughputReport } from './report.js';
import { throughputBench } from './sampling.js';

it('measures a random model of text, guided, and leaves nothing behind', async () => {
  const backend = await selectBackend({ name: 'cpu' });
  const tensors = memory().numTensors;
  const config = pixartConfig('PixArt-XL-2-256x256', {
    depth: 2,
    hiddenSize: 24,
    heads: 2,
    inputSize: 4,
    captionChannels: 8,
    captionTokens: 3,
  });
  const model = randomModel(architectureOf('pixart', config));
  const executor = await createExecutor({ backbone: model.backbone, backend });
  const { begin, branches, end } = executor.spec.macs;
  const results = await throughputBench({
    pipeline: { executor, model },
    setting: {
      plan: createPlan({ process: model.process, steps: '4' }),
      guidance: model.defaultGuidance,
    },
    jobs: numberedJobs(2, model.conditions),
    repeats: 1,
  });
  await executor.dispose();
  model.dispose();
  expect(memory().numTensors).toBe(tensors);

  expect(results.map(({ cacheUtilization }) => cacheUtilization)).toEqual([0, 0.25, 0.375, 0.5]);
  const [uncached, ...cached] = results as [(typeof results)[0]];
  const operations = 2 * 4 * (begin + branches.reduce((a, b) => a + b, 0) + end);
  expect(uncached.gigaflopsPerSecond * uncached.msPerStep * 1e6).toBeCloseTo(operations, 3);
  const rising = [uncached, ...cached].map(({ theoreticalSpeedUp }) => theoreticalSpeedUp);
  expect(rising).toEqual(rising.toSorted((a, b) => a - b));
  expect(rising.at(-1)).toBeGreaterThan(1.5);

  const report = throughputReport({ results, model: 'PixArt', random: true, samples: 4 });
  expect(report).toContain('### Throughput: PixArt with random weights, 4 at a time');
  expect(report.trimEnd().split('\n').at(-1)).toMatch(/^\| 50\.0 % \|/);
});

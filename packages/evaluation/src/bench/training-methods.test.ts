import { createExecutor, loadModel, selectBackend } from '@harmonica/pipeline';
import { createDdimPlan } from '@harmonica/samplers';
import { expect, it } from 'vitest';
import { writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import type { TrainingMethod } from './probe.js';
import { trainingMethodsReport } from './report.js';
import { trainingMethodsBench } from './training-methods.js';

it('holds the methods against Learning-to-Cache, with as many samples at a time', async () => {
  const backend = await selectBackend({ name: 'onnx', threads: 1 });
  const model = await loadModel({ model: await writeTinyModel() });
  const executor = await createExecutor({ backbone: model.backbone, backend });
  const asked: TrainingMethod[] = [];
  const costs = await trainingMethodsBench({
    pipeline: { backend, model, executor },
    setting: { plan: createDdimPlan({ steps: 4 }), guidance: { scale: 1.5, channels: 3 } },
    batchSize: 1,
    repeats: 2,
    async probe(method) {
      asked.push(method);
      return { peakBytes: 2 ** 20 * asked.length };
    },
  });
  await executor.dispose();
  model.dispose();
  expect(asked).toEqual(['l2c', 'sdt', 'harmonica']);
  expect(costs.map(({ method, samples, images }) => [method, samples, images])).toEqual([
    ['l2c', 2, 40_000],
    ['sdt', 2, 0],
    ['harmonica', 2, 0],
  ]);
  const [l2c, sdt, harmonica] = costs;
  expect(l2c).toMatchObject({ overL2c: 1, overL2cEncoding: 1, peakBytes: 2 ** 20 });
  expect(l2c?.encodingMs).toBeGreaterThan(0);
  expect(sdt?.encodingMs).toBeUndefined();
  // The same update, and a share of a refresh; encoding makes Learning-to-Cache dearer.
  expect(harmonica?.updateMs).toBeGreaterThanOrEqual(sdt?.updateMs ?? 0);
  expect(sdt?.overL2cEncoding).toBeLessThan(sdt?.overL2c ?? 0);
  const report = trainingMethodsReport(costs);
  expect(report).toMatch(/\| Learning-to-Cache .*\| 1\.00 \| 40000 \|/);
  expect(report).toMatch(/\| SDT, Learning-to-Cache's loss .*\| 0\.68 \| 0 \|/);
  expect(report).toMatch(/\| HarmoniCa .*\| 0\.76 \| 0 \|/);
});

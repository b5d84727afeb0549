import '@tensorflow/tfjs-backend-cpu';
import {
  type BackboneSpec,
  createNoise,
  createRng,
  InvalidArgumentError,
  ShapeError,
} from '@harmonica/core';
import { createDdimPlan } from '@harmonica/samplers';
import { memory, ones, split, type Tensor, tensor, zeros } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  type BatchPart,
  type DrawBatchOptions,
  type DrawCondition,
  drawBatch,
  drawLabels,
} from './draw-batch.js';

const latent = { height: 2, width: 2, channels: 1 };
const spec: BackboneSpec = {
  name: 'captioned',
  latent,
  outputChannels: 1,
  prediction: 'epsilon',
  tokens: { count: 4, width: 4 },
  condition: [{ name: 'caption', dtype: 'float32', shape: [3, 2] }],
  branches: [],
  macs: { begin: 1, branches: [], end: 1 },
};
const labelled: BackboneSpec = {
  ...spec,
  name: 'labelled',
  condition: [{ name: 'labels', dtype: 'int32', shape: [] }],
  nullCondition: { labels: [3] },
};
const drawn = (extra: Partial<DrawBatchOptions> = {}) =>
  drawBatch({
    rng: createRng({ seed: 1 }),
    size: 4,
    spec,
    plan: createDdimPlan({ steps: 2 }),
    drawCondition: (_, batch) => ({ caption: ones([batch, 3, 2]) }),
    ...extra,
  });

describe('drawLabels', () => {
  it('draws classes, but never the null class', () => {
    const { labels } = drawLabels(labelled)(createRng({ seed: 1 }), 200);
    expect([...new Set(labels?.dataSync())].sort()).toEqual([0, 1, 2]);
  });

  it.each([
    ['takes captions', spec],
    ['has no null class', { ...labelled, nullCondition: {} }],
  ])('refuses a backbone that %s, and says what to give', (_, other) => {
    expect(() => drawLabels(other)).toThrowError(InvalidArgumentError);
    expect(() => drawLabels(other)).toThrowError(/expected a function that draws (caption|labels)/);
  });
});

describe('drawBatch', () => {
  it('puts the unconditional half after the conditional one, repeating its rows', () => {
    const guidance = { scale: 2, unconditional: { caption: zeros([2, 3, 2]) } };
    const [batch] = drawn({ guidance }) as [BatchPart];
    const { caption } = batch.condition as { caption: Tensor };
    expect(caption.shape).toEqual([8, 3, 2]);
    expect(Array.from(caption.dataSync())).toEqual([
      ...new Array(24).fill(1),
      ...new Array(24).fill(0),
    ]);
    const halves = batch.latent.dataSync();
    expect(halves.slice(0, 16)).toEqual(halves.slice(16));
  });

  it('gives every image noise of its own seed', () => {
    const [batch] = drawn({ size: 2 }) as [BatchPart];
    const rng = createRng({ seed: 1 });
    const seeds = [rng.integer(2 ** 32), rng.integer(2 ** 32)];
    expect(batch.latent.dataSync()).toEqual(createNoise({ seeds, latent }).initial().dataSync());
  });

  it('draws the same, whatever the size of its parts', () => {
    const guidance = { scale: 2, unconditional: { caption: zeros([1, 3, 2]) } };
    const drawCondition: DrawCondition = (rng, batch) => ({
      caption: tensor(rng.fillNormal(new Float32Array(batch * 6)), [batch, 3, 2]),
    });
    const [whole] = drawn({ size: 5, guidance, drawCondition }) as [BatchPart];
    const parts = drawn({ size: 5, partSize: 2, guidance, drawCondition });
    expect(parts.map(({ latent }) => latent.shape[0])).toEqual([4, 2, 4]);
    const halves = (of: (part: BatchPart) => Tensor) =>
      [0, 1].flatMap((half) =>
        parts.flatMap((part) => [...(split(of(part), 2)[half] as Tensor).dataSync()]),
      );
    for (const of of [
      ({ latent }: BatchPart) => latent,
      ({ condition }: BatchPart) => condition.caption as Tensor,
      ({ noise }: BatchPart) => noise.step(1),
    ]) {
      expect(halves(of)).toEqual([...of(whole).dataSync()]);
    }
  });

  it('refuses what does not fit, and leaves nothing behind', () => {
    const unconditional = { caption: zeros([3, 3, 2]) };
    const before = memory().numTensors;
    const guided = { guidance: { scale: 2 } };
    expect(() => drawn(guided)).toThrowError(/captioned has no null condition/);
    expect(() => drawn({ guidance: { scale: 2, unconditional } })).toThrowError(
      /guidance.unconditional is 3; expected one row for all 4 images/,
    );
    expect(() => drawn({ drawCondition: () => ({ caption: ones([4, 3, 1]) }) })).toThrowError(
      ShapeError,
    );
    expect(memory().numTensors).toBe(before);
  });
});

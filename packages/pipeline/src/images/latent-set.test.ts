import '@tensorflow/tfjs-backend-cpu';
import { createRng } from '@harmonica/core';
import { dispose, tensor1d } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { latentDraws } from './latent-set.js';

const latent = { height: 1, width: 1, channels: 2 };
const condition = (labels: readonly number[]) => ({ labels: tensor1d([...labels], 'int32') });
const set = { labels: [5, 7], means: Float32Array.of(1, 2, 30, 40), sha256: '' };

it('draws images with equal chances, each with its label', () => {
  const batch = latentDraws({ set, latent, condition })(createRng({ seed: 1 }), 2000);
  const values = batch.latent.dataSync();
  const labels = Array.from(batch.condition.labels?.dataSync() ?? []);
  labels.forEach((label, i) => {
    expect([...values.subarray(2 * i, 2 * i + 2)]).toEqual(label === 5 ? [1, 2] : [30, 40]);
  });
  const share = labels.filter((label) => label === 5).length / labels.length;
  expect(Math.abs(share - 0.5)).toBeLessThan(0.05);
  dispose([batch.latent, batch.condition.labels ?? []]);
});

it('draws from the distributions of an autoencoder', () => {
  const deviations = Float32Array.of(0, 3, 0, 3);
  const draw = latentDraws({ set: { ...set, deviations }, latent, condition });
  const batch = draw(createRng({ seed: 1 }), 4000);
  const values = Array.from(batch.latent.dataSync());
  const labels = batch.condition.labels?.dataSync() ?? [];
  const rest = values.filter((_, i) => i % 2 === 1).map((v, i) => v - (labels[i] === 5 ? 2 : 40));
  expect(values.filter((_, i) => i % 2 === 0).every((v) => v === 1 || v === 30)).toBe(true);
  const mean = rest.reduce((sum, v) => sum + v, 0) / rest.length;
  const variance = rest.reduce((sum, v) => sum + (v - mean) ** 2, 0) / rest.length;
  expect(Math.abs(mean)).toBeLessThan(0.2);
  expect(Math.abs(Math.sqrt(variance) - 3)).toBeLessThan(0.15);
  dispose([batch.latent, batch.condition.labels ?? []]);
});

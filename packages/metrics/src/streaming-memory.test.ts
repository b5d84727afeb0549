import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createRng } from '@harmonica/core';
import { expect, it } from 'vitest';
import { createFeatureDistance } from './feature-distance.js';
import type { FeatureSet } from './feature-set.js';
import { createFeatureStatistics } from './feature-statistics.js';
import { createInceptionScore } from './inception-score.js';

const IMAGES = 50_000;
const DIMENSION = 64;
const BATCH = 250;
/** What all features take in float32. */
const FEATURE_BYTES = 4 * IMAGES * DIMENSION;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function bytesInUse(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Most bytes that were in use while all images went in, above those before the first. */
function peakBytes(add: (features: FeatureSet) => void): number {
  const batch = createRng({ seed: 1 }).fillNormal(new Float32Array(BATCH * DIMENSION));
  const before = bytesInUse();
  let peak = 0;
  for (let images = 0; images < IMAGES; images += BATCH) {
    add({ data: batch.slice(), count: BATCH, dimension: DIMENSION });
    if (images % (IMAGES / 5) === 0) peak = Math.max(peak, bytesInUse() - before);
  }
  return peak;
}

it.each([
  [
    'mean and covariance',
    () => {
      const statistics = createFeatureStatistics({ dimension: DIMENSION });
      return { add: statistics.add, result: () => statistics.result().count };
    },
  ],
  [
    'the inception score',
    () => {
      const score = createInceptionScore({ count: IMAGES, dimension: DIMENSION });
      return { add: score.add, result: () => score.result() && score.count };
    },
  ],
  [
    'the distance of pairs',
    () => {
      const distance = createFeatureDistance();
      return {
        add: (features: FeatureSet) => distance.add({ references: features, features }),
        result: () => distance.result().values.length,
      };
    },
  ],
])('%s of 50,000 images take a fraction of their features', (_, create) => {
  const { add, result } = create();
  // Two MiB: 50,000 numbers, kept twice while their array grows, and what the engine keeps for itself.
  expect(peakBytes(add)).toBeLessThan(2 ** 21);
  expect(2 ** 21).toBeLessThan(FEATURE_BYTES / 6);
  expect(result()).toBe(IMAGES);
});

it('sees features that are kept', () => {
  const kept: FeatureSet[] = [];
  expect(peakBytes((features) => kept.push(features))).toBeGreaterThan(FEATURE_BYTES / 2);
  expect(kept).toHaveLength(IMAGES / BATCH);
});

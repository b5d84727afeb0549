import '@tensorflow/tfjs-backend-cpu';
import { createRng } from '@harmonica/core';
import { type Tensor4D, tensor4d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { relativeError } from '../../test/fixture.js';
import { scaledDotProductAttention } from './attention.js';

const [BATCH, HEADS, QUERIES, KEYS, WIDTH] = [2, 2, 3, 5, 4] as const;

it('mixes values by the softmax of scaled products, for each head and sample', () => {
  const rng = createRng({ seed: 3 });
  const draw = (rows: number) =>
    rng.fillNormal(new Float32Array(BATCH * HEADS * rows * WIDTH)).map((v) => 2 * v);
  const [query, key, value] = [draw(QUERIES), draw(KEYS), draw(KEYS)];
  const expected = [...Array(BATCH * HEADS).keys()].flatMap((head) =>
    [...Array(QUERIES).keys()].flatMap((row) =>
      mix({
        query: query.subarray((head * QUERIES + row) * WIDTH).subarray(0, WIDTH),
        key: key.subarray(head * KEYS * WIDTH),
        value: value.subarray(head * KEYS * WIDTH),
      }),
    ),
  );
  const heads = (values: Float32Array, rows: number): Tensor4D =>
    tensor4d(values, [BATCH, HEADS, rows, WIDTH]);
  tidy(() => {
    const output = scaledDotProductAttention({
      query: heads(query, QUERIES),
      key: heads(key, KEYS),
      value: heads(value, KEYS),
    });
    expect(output.shape).toEqual([BATCH, HEADS, QUERIES, WIDTH]);
    expect(relativeError(output.dataSync(), expected)).toBeLessThan(1e-5);
  });
});

/** One query against all keys of its head, in float64. */
function mix(head: { query: Float32Array; key: Float32Array; value: Float32Array }): number[] {
  const dot = (k: number) =>
    head.query.reduce((sum, q, i) => sum + q * (head.key[k * WIDTH + i] as number), 0);
  const scores = [...Array(KEYS).keys()].map((k) => Math.exp(dot(k) / Math.sqrt(WIDTH)));
  const total = scores.reduce((a, b) => a + b);
  return [...Array(WIDTH).keys()].map((i) =>
    scores.reduce((sum, s, k) => sum + (s / total) * (head.value[k * WIDTH + i] as number), 0),
  );
}

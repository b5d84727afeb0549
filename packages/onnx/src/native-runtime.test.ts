import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { createNativeRuntime } from './native-runtime.js';
import { encodeModel } from './onnx-model.js';
import type { OrtRuntime, OrtSession } from './ort.js';
import { createSession, loadRuntime } from './runtime.js';
import { traceFunction } from './trace-function.js';

const ROWS = 64;
const SIZE = ROWS * ROWS;

await tf.setBackend('cpu');

/** `softmax(x x) + x` of a square matrix. */
function modelOf(): Uint8Array {
  const graph = traceFunction({
    inputs: { x: { shape: [ROWS, ROWS], dtype: 'float32' } },
    fn: ({ x }) => ({
      y: tf.add(tf.softmax(tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D)), x as tf.Tensor),
    }),
  });
  return encodeModel({ graph });
}

const sessionOf = (runtime: OrtRuntime, bytes = modelOf()): Promise<OrtSession> =>
  createSession({ runtime, model: bytes, options: { threads: 1 } });

const matrix = (phase: number): ort.Tensor =>
  new ort.Tensor(
    'float32',
    Float32Array.from({ length: SIZE }, (_, i) => Math.sin(i + phase)),
    [ROWS, ROWS],
  );

const empty = (dims = [ROWS, ROWS]): ort.Tensor =>
  new ort.Tensor('float32', new Float32Array(SIZE), dims);

describe('createNativeRuntime', () => {
  let native: OrtRuntime;
  beforeAll(async () => {
    native = await createNativeRuntime();
  });

  it('gives the numbers of the binding, bit for bit', async () => {
    const [ours, theirs] = [await sessionOf(native), await sessionOf(ort)];
    for (const phase of [0, 1, 2]) {
      const result = empty();
      await ours.run({ x: matrix(phase) }, { y: result });
      const { y } = await theirs.run({ x: matrix(phase) });
      expect(result.data).toEqual(y?.data);
    }
    await Promise.all([ours.release(), theirs.release()]);
  });

  it('writes results where they shall be, and makes no copies', async () => {
    const session = await sessionOf(native);
    const [x, result] = [matrix(0), empty()];
    const { data } = result;
    expect((await session.run({ x }, { y: result })).y).toBe(result);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 20; i++) await session.run({ x }, { y: result });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * SIZE);
    expect(result.data).toBe(data);
    await session.release();
  });

  it('leaves results where they are made, and feeds them to other graphs', async () => {
    const feeds = { x: matrix(0) };
    const kept = await createSession({
      runtime: native,
      model: modelOf(),
      options: { threads: 1 },
      locations: { y: 'gpu-buffer' },
    });
    const plain = await sessionOf(native);
    const expected = empty();
    await plain.run(feeds, { y: expected });
    const { y } = await kept.run(feeds);
    expect(y).toMatchObject({ location: 'gpu-buffer', type: 'float32', dims: [ROWS, ROWS] });
    expect(y?.size).toBe(SIZE);
    const [again, twice] = [empty(), empty()];
    await plain.run({ x: y as ort.Tensor }, { y: again });
    await plain.run({ x: expected }, { y: twice });
    expect(again.data).toEqual(twice.data);
    const { y: other } = await kept.run({ x: y as ort.Tensor });
    y?.dispose();
    y?.dispose();
    await expect(kept.run({ x: y as ort.Tensor })).rejects.toThrow(/disposed/);
    await plain.run({ x: other as ort.Tensor }, { y: again });
    other?.dispose();
    await Promise.all([kept.release(), plain.release()]);
  });

  it('copies results that the CPU shall have', async () => {
    const options = { runtime: native, model: modelOf(), options: { threads: 1 } };
    const session = await createSession({ ...options, locations: { y: 'cpu' } });
    const plain = await sessionOf(native);
    const expected = empty();
    await plain.run({ x: matrix(1) }, { y: expected });
    const { y } = await session.run({ x: matrix(1) });
    await session.run({ x: matrix(2) });
    expect(y).toMatchObject({ location: 'cpu', dims: [ROWS, ROWS] });
    expect(y?.data).toEqual(expected.data);
    await Promise.all([session.release(), plain.release()]);
  });

  it('leaves time for others between runs', async () => {
    const session = await sessionOf(native);
    const order: string[] = [];
    const timer = new Promise<void>((resolve) => {
      setImmediate(() => {
        order.push('other');
        resolve();
      });
    });
    await session.run({ x: matrix(0) }, { y: empty() });
    order.push('run');
    await timer;
    expect(order).toEqual(['other', 'run']);
    await session.release();
  });

  it('says what ONNX Runtime says, and goes on', async () => {
    await expect(sessionOf(native, new Uint8Array([1, 2, 3]))).rejects.toMatchObject({
      code: 'engine',
      cause: { message: expect.stringMatching(/protobuf|parse/i) },
    });
    const session = await sessionOf(native);
    await expect(session.run({ x: matrix(0) }, { y: empty([SIZE, 1]) })).rejects.toThrow(
      /dimensions/i,
    );
    await expect(session.run({ z: matrix(0) }, { y: empty() })).rejects.toThrow(/z/);
    await expect(session.run({ x: matrix(0) }, {})).rejects.toThrow(/output/i);
    const result = empty();
    await session.run({ x: matrix(0) }, { y: result });
    expect(result.data[1]).not.toBe(0);
    await session.release();
  });

  it('is what the CPU gets where koffi is installed, and no other device', async () => {
    expect(await loadRuntime({})).toBe(await loadRuntime({ executionProviders: ['cpu'] }));
    const webgpu = await loadRuntime({ executionProviders: ['webgpu'] });
    expect(webgpu.InferenceSession).toBe(ort.InferenceSession);
    expect((await loadRuntime({})).InferenceSession).not.toBe(ort.InferenceSession);
  });
});

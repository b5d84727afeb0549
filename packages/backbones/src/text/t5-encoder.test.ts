import '@tensorflow/tfjs-backend-cpu';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  AbortedError,
  DisposedError,
  DTypeError,
  EngineError,
  InvalidArgumentError,
  ShapeError,
} from '@harmonica/core';
import { dispose, memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { arrayOf, expectClose, readFixture } from '../../test/fixture.js';
import { createT5Encoder, loadT5Encoder, type TransformersTensor } from './t5-encoder.js';

const FOLDER = fileURLToPath(new URL('../__fixtures__/tiny-t5', import.meta.url));
const MANIFEST = new URL('../__fixtures__/clean-prompts.json', import.meta.url);
const PROMPTS: string[] = JSON.parse(readFileSync(MANIFEST, 'utf8')).encoded;
const TOKENS = 12;

describe('loadT5Encoder', () => {
  it('gives the embeddings and masks of the transformers library', async () => {
    const before = memory().numTensors;
    const encoder = await loadT5Encoder({ model: FOLDER, tokens: TOKENS, localFilesOnly: true });
    const { embeddings, mask } = await encoder.encode(PROMPTS);
    const run = readFixture('tiny-t5-run');
    expectClose({ actual: embeddings, expected: arrayOf(run, 'embeddings') });
    expect(mask.dtype).toBe('int32');
    expectClose({ actual: mask, expected: arrayOf(run, 'mask'), relative: 0 });
    // A prompt with padding, one that is nothing but its end, and one that was cut.
    const kept = mask.arraySync().map((row) => row.filter(Boolean).length);
    expect(kept).toEqual([11, 1, TOKENS]);
    dispose([embeddings, mask]);
    await encoder.dispose();
    await expect(encoder.encode(['again'])).rejects.toBeInstanceOf(DisposedError);
    expect(memory().numTensors).toBe(before);
  });

  it('names a model that cannot be loaded', async () => {
    const options = { model: `${FOLDER}-missing`, tokens: TOKENS, localFilesOnly: true };
    const loading = loadT5Encoder(options);
    await expect(loading).rejects.toBeInstanceOf(EngineError);
    await expect(loading).rejects.toThrowError(/tiny-t5-missing/);
  });
});

describe('createT5Encoder', () => {
  const tensorOf = (type: string, dims: readonly number[]): TransformersTensor => ({
    type,
    dims,
    data: new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1),
  });
  const encoderOf = (hidden: TransformersTensor) => {
    const ids = tensorOf('int64', [1, 2]);
    let freed = 0;
    const model = Object.assign(async () => ({ last_hidden_state: hidden }), {
      dispose: async () => ++freed,
    });
    const tokenizer = () => ({ input_ids: ids, attention_mask: ids });
    const encoder = createT5Encoder({ name: 'fake', tokenizer, model, tokens: 2 });
    return { encoder, freed: () => freed };
  };

  it('refuses outputs of another type or shape', async () => {
    const half = encoderOf(tensorOf('float16', [1, 2, 3])).encoder;
    await expect(half.encode(['a'])).rejects.toBeInstanceOf(DTypeError);
    const short = encoderOf(tensorOf('float32', [1, 1, 3])).encoder;
    await expect(short.encode(['a'])).rejects.toBeInstanceOf(ShapeError);
  });

  it('frees its model once, and stops when its caller says so', async () => {
    const { encoder, freed } = encoderOf(tensorOf('float32', [1, 2, 3]));
    const signal = AbortSignal.abort();
    await expect(encoder.encode(['a'], { signal })).rejects.toBeInstanceOf(AbortedError);
    await encoder.dispose();
    await encoder.dispose();
    expect(freed()).toBe(1);
  });

  it('refuses a number of tokens that is none', () => {
    const tokenizer = () => expect.unreachable();
    const model = () => expect.unreachable();
    const make = () => createT5Encoder({ name: 'fake', tokenizer, model, tokens: 0 });
    expect(make).toThrowError(InvalidArgumentError);
  });
});

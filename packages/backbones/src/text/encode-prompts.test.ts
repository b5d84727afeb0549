import '@tensorflow/tfjs-backend-cpu';
import { InvalidArgumentError } from '@harmonica/core';
import { dispose, memory, tensor2d, tensor3d } from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { encodePrompts, type TextEncoder } from './t5-encoder.js';

const before = memory().numTensors;
afterEach(() => expect(memory().numTensors).toBe(before));

/** One token per prompt, whose embedding is the length of the prompt. */
function lengths() {
  const calls: string[][] = [];
  const encoder: TextEncoder = {
    name: 'lengths',
    tokens: 1,
    async encode(prompts) {
      calls.push([...prompts]);
      return {
        embeddings: tensor3d(prompts.map(({ length }) => [[length]])),
        mask: tensor2d(
          prompts.map(({ length }) => [length > 0 ? 1 : 0]),
          undefined,
          'int32',
        ),
      };
    },
    dispose: async () => {},
  };
  return { encoder, calls };
}

describe('encodePrompts', () => {
  it('cleans prompts and encodes each different one once', async () => {
    const { encoder, calls } = lengths();
    const { positive, negative } = await encodePrompts({
      encoder,
      prompts: ['  A CAT ', 'a dog (photo)', 'a cat'],
    });
    expect(calls).toEqual([['a cat', 'a dog photo', '']]);
    expect([...positive.embeddings.dataSync()]).toEqual([5, 11, 5]);
    expect([...negative.embeddings.dataSync()]).toEqual([0, 0, 0]);
    expect([...positive.mask.dataSync(), ...negative.mask.dataSync()]).toEqual([1, 1, 1, 0, 0, 0]);
    expect([positive.mask.dtype, negative.mask.shape]).toEqual(['int32', [3, 1]]);
    dispose([positive.embeddings, positive.mask, negative.embeddings, negative.mask]);
  });

  it('takes negative prompts, and leaves prompts as they are but for case and ends', async () => {
    const { encoder, calls } = lengths();
    const { positive, negative } = await encodePrompts({
      encoder,
      prompts: [' A dog (photo)', 'B'],
      negativePrompts: ['blurry', 'B '],
      clean: false,
    });
    expect(calls).toEqual([['a dog (photo)', 'b', 'blurry']]);
    expect([...negative.embeddings.dataSync()]).toEqual([6, 1]);
    dispose([positive.embeddings, positive.mask, negative.embeddings, negative.mask]);
  });

  it('refuses another number of negative prompts', async () => {
    const { encoder } = lengths();
    const encoding = encodePrompts({ encoder, prompts: ['a', 'b'], negativePrompts: ['c'] });
    await expect(encoding).rejects.toBeInstanceOf(InvalidArgumentError);
  });
});

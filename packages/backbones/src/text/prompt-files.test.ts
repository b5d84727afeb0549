import '@tensorflow/tfjs-backend-cpu';
import { CheckpointError, NonFiniteError } from '@harmonica/core';
import { dispose, memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type StoredArray, sourceOf } from '../../test/fixture.js';
import { readPrompts } from './captions.js';

const array = (shape: number[], values: number[]): StoredArray => ({
  shape,
  data: Float32Array.from(values),
});
const POSITIVE = {
  prompt_embeds: array([1, 2, 3], [1, 2, 3, 4, 5, 6]),
  prompt_attention_mask: array([1, 2], [1, 0]),
};
const NEGATIVE = {
  negative_prompt_embeds: array([1, 2, 3], [6, 5, 4, 3, 2, 1]),
  negative_prompt_attention_mask: array([1, 2], [1, 1]),
};
const read = (arrays: Record<string, StoredArray>) =>
  readPrompts(sourceOf(new Map(Object.entries(arrays))));

describe('readPrompts', () => {
  it('reads both halves of guidance, under the names of diffusers', async () => {
    const before = memory().numTensors;
    const { positive, negative } = await read({ ...POSITIVE, ...NEGATIVE });
    expect([...positive.embeddings.dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...positive.mask.dataSync()]).toEqual([1, 0]);
    expect(negative?.embeddings.arraySync()).toEqual([
      [
        [6, 5, 4],
        [3, 2, 1],
      ],
    ]);
    expect(negative?.mask.dtype).toBe('int32');
    for (const half of [positive, negative]) dispose([half?.embeddings ?? [], half?.mask ?? []]);
    expect(memory().numTensors).toBe(before);
  });

  it('does without negative prompts', async () => {
    const { positive, negative } = await read(POSITIVE);
    expect(negative).toBeUndefined();
    dispose([positive.embeddings, positive.mask]);
  });

  it.each([
    ['prompt_attention_mask', { prompt_embeds: POSITIVE.prompt_embeds }],
    ['prompt_embeds', { ...POSITIVE, prompt_embeds: array([2, 3], [1, 2, 3, 4, 5, 6]) }],
    ['prompt_attention_mask', { ...POSITIVE, prompt_attention_mask: array([1, 3], [1, 1, 1]) }],
    [
      'negative_prompt_attention_mask',
      { ...POSITIVE, negative_prompt_embeds: NEGATIVE.negative_prompt_embeds },
    ],
    [
      'negative_prompt_embeds',
      {
        prompt_embeds: array([3, 1, 1], [1, 2, 3]),
        prompt_attention_mask: array([3, 1], [1, 1, 1]),
        negative_prompt_embeds: array([2, 1, 1], [1, 2]),
        negative_prompt_attention_mask: array([2, 1], [1, 1]),
      },
    ],
  ])('names %s', async (key, arrays: Record<string, StoredArray>) => {
    const before = memory().numTensors;
    const reading = read(arrays);
    await expect(reading).rejects.toBeInstanceOf(CheckpointError);
    await expect(reading).rejects.toMatchObject({ key });
    expect(memory().numTensors).toBe(before);
  });

  it('refuses NaN', async () => {
    const prompt_embeds = array([1, 2, 3], [1, NaN, 3, 4, 5, 6]);
    await expect(read({ ...POSITIVE, prompt_embeds })).rejects.toBeInstanceOf(NonFiniteError);
  });
});

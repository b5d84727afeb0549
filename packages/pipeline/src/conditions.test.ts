import '@tensorflow/tfjs-backend-cpu';
import { type PromptEmbeddings, pixartConfig, pixartSpec } from '@harmonica/backbones';
import { ones, range, reshape, type Tensor } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { classConditions, promptConditions } from './conditions.js';

describe('classConditions', () => {
  it('goes from names to labels and back', () => {
    const { nameOf, labelOf } = classConditions({ count: 1000 });
    expect(labelOf('207')).toBe(207);
    expect(labelOf(nameOf(999))).toBe(999);
  });

  it('refuses what is no class', () => {
    const { labelOf } = classConditions({ count: 10 });
    for (const name of ['10', '-1', '1.5', 'dog', '', 'class-']) {
      expect(() => labelOf(name), name).toThrow(/a class number in \[0, 9\]/);
    }
  });
});

describe('promptConditions', () => {
  const spec = pixartSpec(
    pixartConfig('PixArt-XL-2-256x256', { captionTokens: 2, captionChannels: 1 }),
  );
  /** Prompt number i has the embeddings 2 i and 2 i + 1. */
  const prompts = (count: number): PromptEmbeddings => ({
    embeddings: reshape(range(0, 2 * count), [count, 2, 1]),
    mask: ones([count, 2], 'int32'),
  });
  const embeddingsOf = (condition: Readonly<Record<string, Tensor>> | undefined) => [
    ...((Object.values(condition ?? {})[0] as Tensor).dataSync() ?? []),
  ];

  it.each([
    [3, [4, 5, 0, 1]],
    [1, [0, 1, 0, 1]],
  ])('takes %i negative prompts for 3 prompts', (count, expected) => {
    const conditions = promptConditions({
      spec,
      prompts: { positive: prompts(3), negative: prompts(count) },
    });
    expect(embeddingsOf(conditions.condition([2, 0]))).toEqual([4, 5, 0, 1]);
    expect(embeddingsOf(conditions.unconditional?.([2, 0]))).toEqual(expected);
    conditions.dispose();
  });

  it.each([3, -1, 0.5, Number.NaN])('refuses the label %d', (label) => {
    const conditions = promptConditions({ spec, prompts: { positive: prompts(3) } });
    expect(() => conditions.condition([0, label])).toThrow(/labels\[1\] is .* in \[0, 2\]/);
    expect(() => classConditions({ count: 3 }).condition([label])).toThrow(/in \[0, 2\]/);
    conditions.dispose();
  });
});

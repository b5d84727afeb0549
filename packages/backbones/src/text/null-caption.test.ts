import '@tensorflow/tfjs-backend-cpu';
import { CheckpointError } from '@harmonica/core';
import {
  dispose,
  memory,
  ones,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { sourceOf } from '../../test/fixture.js';
import { readNullCaption } from './captions.js';

const before = memory().numTensors;
const prompts = {
  embeddings: ones([2, 2, 3]) as Tensor3D,
  mask: tensor2d([1, 0, 1, 1], [2, 2], 'int32') as Tensor2D,
};
const caption = { shape: [2, 3], data: Float32Array.from([1, 2, 3, 4, 5, 6]) };

it.each(['y_embedder.y_embedding', 'caption_projection.y_embedding'])(
  'repeats %s for each prompt, with the masks of the prompts',
  async (name) => {
    const source = sourceOf(new Map([[name, caption]]));
    const { embeddings, mask } = await readNullCaption({ source, prompts });
    expect(embeddings.shape).toEqual([2, 2, 3]);
    expect([...embeddings.dataSync()]).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
    expect([...mask.dataSync()]).toEqual([1, 0, 1, 1]);
    dispose([embeddings, mask]);
    expect(memory().numTensors).toBe(before + 2);
  },
);

it('names what is missing or has another shape', async () => {
  const none = readNullCaption({ source: sourceOf(new Map()), prompts });
  await expect(none).rejects.toBeInstanceOf(CheckpointError);
  await expect(none).rejects.toMatchObject({ key: 'y_embedder.y_embedding' });
  const other = { ...caption, shape: [3, 2] };
  const source = sourceOf(new Map([['y_embedder.y_embedding', other]]));
  await expect(readNullCaption({ source, prompts })).rejects.toThrowError(
    /\[3, 2\] where \[2, 3\]/,
  );
});

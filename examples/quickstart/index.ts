import { writeFile } from 'node:fs/promises';
import { generate, type RouterFile } from '@harmonica/core';
import { emojiDitRouter, loadEmojiDit } from '@harmonica/emoji-dit';
import { compileFunction } from '@harmonica/onnx';
import { encodePng, imageGrid, pixelImages } from '@harmonica/pictures';
import { createExecutor, selectBackend } from '@harmonica/pipeline';
import { toSchedule, withCache } from '@harmonica/router';
import { createDdimPlan } from '@harmonica/samplers';
import { tensor1d } from '@tensorflow/tfjs-core';

/** Samples emoji with a cache router, writes them as one picture and tells how many branch calls were computed. */
export async function quickstart(out: string, trained?: RouterFile): Promise<number> {
  await selectBackend({ name: 'onnx' });
  const model = await loadEmojiDit();
  const executor = await createExecutor({ backbone: model.backbone, backend: 'onnx' });
  const router = trained ?? (await emojiDitRouter(20)); // trained for DDIM with 20 steps
  const labels = ['food-fruit', 'animal-bird', 'plant-flower', 'heart'].map(model.labelOf);
  const { latent, decisions } = await generate({
    executor,
    plan: createDdimPlan({ steps: router.steps }),
    condition: { labels: tensor1d(labels, 'int32') },
    seeds: [1, 2, 3, 4],
    guidance: router.provenance.guidance,
    cache: withCache({ schedule: toSchedule(router) }),
  });
  const images = await compileFunction(model.decode)(latent);
  await writeFile(out, encodePng(imageGrid({ images: await pixelImages(images) })));
  return decisions.flat().filter((computed) => computed).length / decisions.flat().length;
}

if (import.meta.filename === process.argv[1]) console.log(await quickstart('quickstart.png'));

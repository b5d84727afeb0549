/**
 * What the features of an image cost, compiled and op by op, with weights of no meaning:
 * `npx tsx --conditions=@harmonica/source bench/inception.bench.ts [batch] [threads] [rounds]`.
 */
import { compileFunction } from '@harmonica/onnx';
import { setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { extractFeatures, loadInception, measure } from '../src/index.js';
import { formulaImage, formulaWeights } from '../test/formula-weights.js';

const [batch = 4, threads = 2, repeats = 5] = process.argv.slice(2).map(Number);
await setBackend('wasm');
const extractor = await loadInception({ source: formulaWeights() });
const images = Array.from({ length: batch }, (_, i) => formulaImage(256, 256, i));
const compiled = compileFunction(extractor.extract, { threads });
for (const [name, run] of Object.entries({ compiled, 'op by op, wasm': extractor.extract })) {
  const { median, min, max } = await measure({
    run: async () => {
      for await (const _ of extractFeatures({ extractor, images: [images], run }));
    },
    warmup: 1,
    repeats,
  });
  const perImage = (ms: number) => (ms / batch).toFixed(0);
  console.log(`${name}: ${perImage(median)} ms an image (${perImage(min)} to ${perImage(max)})`);
}
await compiled.dispose();

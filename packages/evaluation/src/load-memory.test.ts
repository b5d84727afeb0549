import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runFresh, temporaryFolder } from '@harmonica/testing';
import { writeSafetensors } from '@harmonica/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const WIDTH = 768;
const CONFIG = {
  family: 'dit',
  hiddenSize: WIDTH,
  heads: 12,
  patchSize: 2,
  inputSize: 4,
  numClasses: 1,
};
const SHALLOW = 1;
const DEEP = 5;
/** `blocks.0` of a DiT with its official names. */
const BLOCK: Readonly<Record<string, readonly [outputs: number, inputs: number]>> = {
  'attn.qkv': [3 * WIDTH, WIDTH],
  'attn.proj': [WIDTH, WIDTH],
  'mlp.fc1': [4 * WIDTH, WIDTH],
  'mlp.fc2': [WIDTH, 4 * WIDTH],
  'adaLN_modulation.1': [6 * WIDTH, WIDTH],
};
const REST: typeof BLOCK = {
  't_embedder.mlp.0': [WIDTH, 256],
  't_embedder.mlp.2': [WIDTH, WIDTH],
  'final_layer.adaLN_modulation.1': [2 * WIDTH, WIDTH],
  'final_layer.linear': [32, WIDTH],
};
const BLOCK_BYTES = 4 * Object.values(BLOCK).reduce((sum, [out, inputs]) => sum + out * inputs, 0);

describe('a DiT for the onnx engine', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Most memory that a process has had which loads a DiT of this depth and samples an image. */
  async function peakBytes(depth: number): Promise<number> {
    const [model, architecture] = ['safetensors', 'json'].map((ending) =>
      join(folder, `dit-${depth}.${ending}`),
    ) as [string, string];
    await writeSafetensors(model, { tensors: zeros(depth) });
    await writeFile(architecture, JSON.stringify({ ...CONFIG, depth }));
    const printed = await runFresh(
      `import { peakMemoryBytes } from '@harmonica/evaluation';
      import { imageJobs, resolveRunSetting, sampleLatents, withPipeline } from '@harmonica/pipeline';
      await withPipeline({
        model: ${JSON.stringify(model)},
        architecture: ${JSON.stringify(architecture)},
        backend: 'onnx',
        async use(pipeline) {
          const { model } = pipeline;
          const setting = await resolveRunSetting({ options: { steps: 2, guidance: 1 }, model });
          const jobs = imageJobs({ seeds: [0] }, model.conditions);
          await sampleLatents({ ...setting, pipeline, jobs, batchSize: 1 });
        },
      });
      console.log(peakMemoryBytes());`,
      new URL('..', import.meta.url),
    );
    return Number(printed);
  }

  it('is loaded and run with its weights in memory once', async () => {
    const grown = (await peakBytes(DEEP)) - (await peakBytes(SHALLOW));
    const added = (DEEP - SHALLOW) * BLOCK_BYTES;
    expect(grown).toBeGreaterThan(0.8 * added); // or nothing was measured
    // A tensor that is being read and what the collector leaves lying come to a third; twice would be twice.
    expect(grown).toBeLessThan(1.6 * added);
  });
});

function zeros(depth: number) {
  const linears = [
    ...Object.entries(REST),
    ...Array.from({ length: depth }, (_, i) =>
      Object.entries(BLOCK).map(([name, size]) => [`blocks.${i}.${name}`, size] as const),
    ).flat(),
  ];
  const shapes: [string, readonly number[]][] = [
    ['x_embedder.proj.weight', [WIDTH, 4, 2, 2]],
    ['x_embedder.proj.bias', [WIDTH]],
    ['y_embedder.embedding_table.weight', [2, WIDTH]],
  ];
  for (const [name, [outputs, inputs]] of linears) {
    shapes.push([`${name}.weight`, [outputs, inputs]], [`${name}.bias`, [outputs]]);
  }
  const zero = (shape: readonly number[]) => new Float32Array(shape.reduce((a, b) => a * b, 1));
  return new Map(shapes.map(([name, shape]) => [name, { shape, data: zero(shape) }]));
}

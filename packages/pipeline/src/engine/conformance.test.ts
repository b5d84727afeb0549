import type { Backbone, Executor } from '@harmonica/core';
import { createTinyBackbone, executorConformance } from '@harmonica/core/conformance';
import { type BackendName, createExecutor, selectBackend } from '@harmonica/pipeline';
import { setBackend } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallDit } from '../../../onnx/test/small-dit.js';

/** An executor on an engine; the engine in JavaScript, which its numbers are compared with, is back when it is disposed. */
async function executorOn(name: BackendName, backbone: Backbone): Promise<Executor> {
  const backend = await selectBackend({ name, threads: 1 });
  const executor = await createExecutor({ backbone, backend });
  return {
    ...executor,
    get liveHandles() {
      return executor.liveHandles;
    },
    async dispose() {
      await executor.dispose();
      await setBackend('cpu');
    },
  };
}

/** TensorFlow is installed by whoever wants it. */
async function isThere(name: BackendName): Promise<boolean> {
  try {
    await selectBackend({ name });
    return true;
  } catch {
    return false;
  } finally {
    await setBackend('cpu');
  }
}

await selectBackend({ name: 'cpu' });
const backbones = { tiny: createTinyBackbone, DiT: () => smallDit() };

for (const engine of ['wasm', 'tensorflow'] as const) {
  describe.runIf(await isThere(engine)).each(Object.entries(backbones))(
    `conformance of %s on ${engine}`,
    (_, create) => {
      let backbone: Backbone;
      beforeAll(() => {
        backbone = create();
      });
      afterAll(() => backbone.dispose());

      it.each(executorConformance)('$name', async ({ run }) => {
        const onEngine = (given: Backbone) => executorOn(engine, given);
        await expect(run({ backbone, createExecutor: onEngine })).resolves.toBeUndefined();
      });
    },
  );
}

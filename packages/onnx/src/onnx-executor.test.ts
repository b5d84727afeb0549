import { createTinyBackbone, executorConformance } from '@harmonica/core/conformance';
import { setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOnnxExecutor } from './onnx-executor.js';

describe('executor conformance', () => {
  const backbone = createTinyBackbone();
  beforeAll(async () => {
    await setBackend('cpu');
  });
  afterAll(() => backbone.dispose());

  it.each(executorConformance)('$name', async ({ run }) => {
    await expect(
      run({ backbone, createExecutor: (b) => createOnnxExecutor({ backbone: b, threads: 1 }) }),
    ).resolves.toBeUndefined();
  });
});

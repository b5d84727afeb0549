import '@tensorflow/tfjs-backend-cpu';
import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { createEagerExecutor } from './eager-executor.js';
import type { Executor } from './executor.js';
import { executorConformance } from './executor-conformance.js';
import { createTinyBackbone } from './tiny-backbone.js';

const backbone = createTinyBackbone();

describe.each(executorConformance)('$name', (conformance) => {
  it('holds for the eager executor and leaks no tensor', async () => {
    const before = memory().numTensors;
    await expect(
      conformance.run({ backbone, createExecutor: createEagerExecutor }),
    ).resolves.toBeUndefined();
    expect(memory().numTensors).toBe(before);
  });
});

it('catches an engine whose numbers are off', async () => {
  const createExecutor = (given: typeof backbone): Executor => {
    const executor = createEagerExecutor(given);
    return {
      ...executor,
      get liveHandles() {
        return executor.liveHandles;
      },
      begin: (input) => executor.begin({ ...input, time: input.time + 5 }),
    };
  };
  const [whole] = executorConformance;
  await expect(whole?.run({ backbone, createExecutor })).rejects.toThrowError(/differs/);
});

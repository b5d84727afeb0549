import { describe, expect, it } from 'vitest';
import { memoryBench } from './probe.js';

type MemoryMode = 'sampling' | 'training';

describe('memoryBench', () => {
  it('takes medians over processes, in turns', async () => {
    const asked: MemoryMode[] = [];
    const peaks = { sampling: [100, 900, 110], training: [150, 160, 155] };
    const result = await memoryBench({
      repeats: 3,
      async probe(mode) {
        asked.push(mode);
        return { mode, peakBytes: peaks[mode].shift() as number, tokenBytes: 90 };
      },
    });
    expect(asked.join()).toBe('sampling,training,sampling,training,sampling,training');
    expect(result).toEqual({
      samplingBytes: 110,
      trainingBytes: 155,
      tokenBytes: 90,
      extraInTokenTensors: 0.5,
    });
  });

  it('stops when its caller says so', async () => {
    const probe = async (mode: MemoryMode) => ({ mode, peakBytes: 1, tokenBytes: 1 });
    const stopped = memoryBench({ repeats: 1, probe, signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  });
});

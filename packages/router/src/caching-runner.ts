import {
  type BranchRunner,
  type Decisions,
  DisposedError,
  type Executor,
  InvalidArgumentError,
  type StreamHandle,
} from '@harmonica/core';
import { type CacheStore, createCacheStore } from './cache-store.js';

/** One step to carry a stream through. @internal */
export interface StepInput {
  readonly step: number;
  /** Not released. */
  readonly stream: StreamHandle;
  /** What earlier steps cached; what this step caches goes here. */
  readonly store: CacheStore;
}

/** @internal */
export interface StepOutput {
  readonly stream: StreamHandle;
  readonly decisions: Decisions;
}

/**
 * A runner whose steps are carried out by `runStep`. Sees to everything that all cached runs share: steps come in
 * order, the given stream is released, and the cache is given back on `dispose` and after an error.
 *
 * @internal
 */
export function createCachingRunner(options: {
  readonly executor: Executor;
  readonly runStep: (input: StepInput) => Promise<StepOutput>;
  /** Frees what `runStep` holds beside the cache. May be called more than once. */
  readonly onClear?: () => void;
}): BranchRunner {
  const { executor, runStep, onClear } = options;
  const store = createCacheStore(executor);
  const decisions: Decisions[] = [];
  let disposed = false;
  let running = false;
  const clear = () => {
    store.clear();
    onClear?.();
  };
  const assertUsable = () => {
    if (disposed) throw new DisposedError('The cache runner');
  };

  return {
    decisions,
    async run(step, stream) {
      try {
        assertUsable();
        assertNextStep(step, decisions.length);
        running = true;
        const result = await runStep({ step, stream, store });
        if (disposed) executor.release(result.stream);
        assertUsable();
        decisions.push(result.decisions);
        return result.stream;
      } catch (error) {
        disposed = true;
        throw error;
      } finally {
        running = false;
        if (disposed) clear();
        executor.release(stream);
      }
    },
    dispose() {
      disposed = true;
      // A running step still reads the cache, and clears it when it ends.
      if (!running) clear();
    },
  };
}

function assertNextStep(step: number, next: number): void {
  if (step === next) return;
  throw new InvalidArgumentError({
    argument: 'step',
    value: step,
    expected: `${next}, because a cached run takes its steps in order`,
    fix: 'Create a fresh runner for each run.',
  });
}

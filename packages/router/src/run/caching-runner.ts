import {
  assertArgument,
  type BranchRunner,
  type Decisions,
  DisposedError,
  type Executor,
  type StreamHandle,
  type ValueHandle,
} from '@harmonica/core';

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
        assertArgument(
          { step },
          `${decisions.length}, because a cached run takes its steps in order`,
          step === decisions.length,
          'Create a fresh runner for each run.',
        );
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

/** A branch output, by where in a run it was made. */
export interface CacheKey {
  readonly branch: number;
  /** The step that computed it. */
  readonly step: number;
}

/** The branch outputs that a run holds. Owns every handle put into it until it is released. @internal */
export interface CacheStore {
  /**
   * Takes ownership of an output.
   *
   * @throws {@link InvalidArgumentError} if the key is taken.
   */
  put(key: CacheKey, value: ValueHandle): void;
  /** @throws {@link InvalidArgumentError} if nothing is held under the key. */
  get(key: CacheKey): ValueHandle;
  /** Steps whose output of a branch is held, most recent first. */
  steps(branch: number): readonly number[];
  /** Gives an output back to the executor. Does nothing if it is not held. */
  release(key: CacheKey): void;
  /** Gives everything back. */
  clear(): void;
}

/** An empty store for the handles of one executor. @internal */
export function createCacheStore(executor: Pick<Executor, 'release'>): CacheStore {
  const branches = new Map<number, Map<number, ValueHandle>>();
  return {
    put({ branch, step }, value) {
      const outputs = branches.get(branch) ?? new Map<number, ValueHandle>();
      const key = { branch, step };
      assertArgument({ key }, 'a branch and step that are not held yet', !outputs.has(step));
      branches.set(branch, outputs.set(step, value));
    },
    get({ branch, step }) {
      const value = branches.get(branch)?.get(step);
      const held = this.steps(branch).join(', ');
      const expected = `a held output; branch ${branch} has steps [${held}]`;
      assertArgument({ key: { branch, step } }, expected, value);
      return value;
    },
    steps: (branch) => [...(branches.get(branch)?.keys() ?? [])].sort((a, b) => b - a),
    release({ branch, step }) {
      const value = branches.get(branch)?.get(step);
      if (!value) return;
      branches.get(branch)?.delete(step);
      executor.release(value);
    },
    clear() {
      const values = [...branches.values()].flatMap((outputs) => [...outputs.values()]);
      branches.clear();
      executor.release(...values);
    },
  };
}

import { type Executor, InvalidArgumentError, type ValueHandle } from '@harmonica/core';

/** Where in a run a branch output was made. */
export interface CacheKey {
  readonly branch: number;
  /** The step that computed it. */
  readonly step: number;
}

/** The branch outputs that a run holds. Owns every handle put into it until it is released. */
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
  /** Outputs held now. */
  readonly count: number;
  /** Memory of the outputs held now, in bytes. */
  readonly sizeBytes: number;
}

/** An empty store for the handles of one executor. */
export function createCacheStore(executor: Pick<Executor, 'release'>): CacheStore {
  const branches = new Map<number, Map<number, ValueHandle>>();
  const all = () => [...branches.values()].flatMap((outputs) => [...outputs.values()]);
  return {
    put({ branch, step }, value) {
      const outputs = branches.get(branch) ?? new Map<number, ValueHandle>();
      if (outputs.has(step)) {
        throw new InvalidArgumentError({
          argument: 'key',
          value: { branch, step },
          expected: 'a branch and step that are not held yet',
        });
      }
      branches.set(branch, outputs.set(step, value));
    },
    get({ branch, step }) {
      const value = branches.get(branch)?.get(step);
      if (value) return value;
      throw new InvalidArgumentError({
        argument: 'key',
        value: { branch, step },
        expected: `a held output; branch ${branch} has steps [${this.steps(branch).join(', ')}]`,
      });
    },
    steps: (branch) => [...(branches.get(branch)?.keys() ?? [])].sort((a, b) => b - a),
    release({ branch, step }) {
      const value = branches.get(branch)?.get(step);
      if (!value) return;
      branches.get(branch)?.delete(step);
      executor.release(value);
    },
    clear() {
      const values = all();
      branches.clear();
      executor.release(...values);
    },
    get count() {
      return all().length;
    },
    get sizeBytes() {
      return all().reduce((total, value) => total + value.sizeBytes, 0);
    },
  };
}

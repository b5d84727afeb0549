/** Options of {@link createThrottle}. */
interface ThrottleOptions<T> {
  /** Least time between two writes, in ms. */
  readonly everyMs: number;
  readonly write: (value: T) => void | Promise<void>;
  /** Clock in ms. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/** Writes some of many values, and always the last. */
export interface Throttle<T> {
  /** Takes a value to be written now if it is time, or later. The first is written at once. */
  offer(value: T): Promise<void>;
  /** Writes the latest value unless it has been written. */
  flush(): Promise<void>;
}

/** Thins out writes of a value that changes often, without ever losing the latest one, even if a write fails. */
export function createThrottle<T>(options: ThrottleOptions<T>): Throttle<T> {
  const { everyMs, write, now = () => performance.now() } = options;
  let pending: { readonly value: T } | undefined;
  let writtenAt = -Infinity;
  const flush = async (): Promise<void> => {
    if (!pending) return;
    const taken = pending;
    pending = undefined;
    writtenAt = now();
    try {
      await write(taken.value);
      writtenAt = now();
    } catch (error) {
      pending ??= taken;
      writtenAt = -Infinity;
      throw error;
    }
  };
  return {
    flush,
    async offer(value) {
      pending = { value };
      if (now() - writtenAt >= everyMs) await flush();
    },
  };
}

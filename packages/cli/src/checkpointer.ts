/** Options of {@link createCheckpointer}. */
export interface CheckpointerOptions<State> {
  /** Least time between two writes, in ms. */
  readonly everyMs: number;
  readonly write: (state: State) => Promise<void>;
  /** Clock in ms. Default `performance.now`. */
  readonly now?: () => number;
}

/** Writes some of many states, and always the last. */
export interface Checkpointer<State> {
  /** Takes a state to be written now if it is time, or later. The first is written at once. */
  offer(state: State): Promise<void>;
  /** Writes the latest state unless it has been written. */
  flush(): Promise<void>;
}

/** Thins out writes of a state that changes often, without ever losing the latest one. */
export function createCheckpointer<State>(
  options: CheckpointerOptions<State>,
): Checkpointer<State> {
  const { everyMs, write, now = () => performance.now() } = options;
  let pending: { readonly state: State } | undefined;
  let writtenAt = -Infinity;
  const flush = async (): Promise<void> => {
    if (!pending) return;
    const { state } = pending;
    await write(state);
    pending = undefined;
    writtenAt = now();
  };
  return {
    flush,
    async offer(state) {
      pending = { state };
      if (now() - writtenAt >= everyMs) await flush();
    },
  };
}

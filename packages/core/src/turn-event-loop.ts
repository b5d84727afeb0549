interface Scheduling {
  /** Of Node; browsers have none. */
  readonly setImmediate?: (callback: () => void) => unknown;
}

/** Resolves when the event loop has turned once, so that timers, input and signals have been heard. */
export function turnEventLoop(): Promise<void> {
  const { setImmediate: next = (callback) => setTimeout(callback) } = globalThis as Scheduling;
  return new Promise((resolve) => {
    next(resolve);
  });
}

/** How far a long call has come. */
export interface Progress {
  /** What is going on, such as `sampling`. */
  readonly label: string;
  readonly done: number;
  /** What `done` is at the end. */
  readonly total: number;
}

/** Is told of progress, often. */
export type OnProgress = (progress: Progress) => void;

/** What every call that takes long takes. */
export interface LongCallOptions {
  /** Stops the call within a step; it then throws `AbortedError`. Default: nothing does. */
  readonly signal?: AbortSignal | undefined;
  /** Called at the start of each stretch of work and whenever some of it is done. Default: nobody is told. */
  readonly onProgress?: OnProgress | undefined;
}

/** Options of {@link trackProgress}. */
export interface TrackProgressOptions extends Pick<Progress, 'label' | 'total'> {
  readonly onProgress: OnProgress | undefined;
}

/** Counts what is done of one stretch of work. */
export interface ProgressTracker {
  /** Adds to what is done. Default 1. */
  add(count?: number): void;
  /** Sets how much is done. */
  set(done: number): void;
}

/** Begins a stretch of work, of which `onProgress` is told from 0 on. */
export function trackProgress({ label, total, onProgress }: TrackProgressOptions): ProgressTracker {
  let done = 0;
  const set = (count: number): void => {
    done = count;
    onProgress?.({ label, done, total });
  };
  set(0);
  return { set, add: (count = 1) => set(done + count) };
}

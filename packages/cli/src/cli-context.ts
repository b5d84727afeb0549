/** Where text goes: `process.stdout`, `process.stderr` or a test's stand-in. */
export interface TextOutput {
  write(text: string): unknown;
  /** Whether someone watches: progress bars and colours are for them alone. */
  readonly isTTY?: boolean | undefined;
  /** Width in characters. Default 80. */
  readonly columns?: number | undefined;
}

/** What commands may use of their surroundings. */
export interface CliContext {
  /** Results. */
  readonly stdout: TextOutput;
  /** Progress, notes and errors. */
  readonly stderr: TextOutput;
  /** Stops the command within one step. */
  readonly signal: AbortSignal;
}

/** The same without progress and notes, for a part of something whose progress is shown as a whole. */
export function unwatched(context: CliContext): CliContext {
  return { ...context, stderr: { write: () => {} } };
}

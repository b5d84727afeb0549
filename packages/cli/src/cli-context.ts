import type { OnProgress } from '@harmonica/core';
import type { Command } from 'commander';

/** Where text goes: `process.stdout`, `process.stderr` or a test's stand-in. */
export interface TextOutput {
  /** Writes a text. */
  write(text: string): unknown;
  /** Whether someone watches: progress bars and colours are for them alone. */
  readonly isTTY?: boolean | undefined;
  /** Width in characters. Default 80. */
  readonly columns?: number | undefined;
}

/** What the program may use of its surroundings. */
export interface CliContext {
  /** Results. */
  readonly stdout: TextOutput;
  /** Progress, notes and errors. */
  readonly stderr: TextOutput;
  /** Stops the command within one step. */
  readonly signal: AbortSignal;
}

/** What a command may use. */
export interface CommandContext extends CliContext {
  /** Shows how far a long call has come. */
  readonly onProgress: OnProgress;
}

/** What a command that records how it was called is added with. */
export interface RecordedCommand {
  readonly program: Command;
  readonly context: CommandContext;
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
}

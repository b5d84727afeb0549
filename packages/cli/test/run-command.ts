import type { CliContext } from '../src/cli-context.js';
import { runCli } from '../src/run-cli.js';

/** What a command printed and how it ended. */
export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of {@link runCommand}. */
export interface RunCommandOptions {
  readonly signal?: AbortSignal;
  /** Called with everything that is written to stderr. */
  readonly onStderr?: (text: string) => void;
  /** Makes stdout and stderr terminals of this width. */
  readonly columns?: number;
}

/** Runs a command in this process, as `harmonica <argv>` would. */
export async function runCommand(
  argv: readonly string[],
  options: RunCommandOptions = {},
): Promise<CommandResult> {
  const { signal = new AbortController().signal, onStderr, columns } = options;
  const text = { stdout: '', stderr: '' };
  const terminal = columns === undefined ? {} : { isTTY: true, columns };
  const context: CliContext = {
    signal,
    stdout: {
      ...terminal,
      write: (part) => {
        text.stdout += part;
      },
    },
    stderr: {
      ...terminal,
      write: (part) => {
        text.stderr += part;
        onStderr?.(part);
      },
    },
  };
  return { status: await runCli(argv, context), ...text };
}

import { readFileSync } from 'node:fs';
import { HarmonicaError, InvalidArgumentError } from '@harmonica/core';
import { Command, CommanderError } from 'commander';
import type { CliContext, CommandContext } from './cli-context.js';
import { addBenchCommand } from './commands/bench.js';
import { addCalibrateCommand } from './commands/calibrate.js';
import { addDemoCommand } from './commands/demo.js';
import { addEvalCommand } from './commands/eval.js';
import { addExportCommand } from './commands/export.js';
import { addImportCommand } from './commands/import.js';
import { addInspectCommand } from './commands/inspect.js';
import { addPlanCommand } from './commands/plan.js';
import { addSampleCommand } from './commands/sample.js';
import { addScheduleCommand } from './commands/schedule.js';
import { addStatisticsCommand } from './commands/statistics.js';
import { addTrainCommand } from './commands/train.js';
import { addGlobalOptions } from './options/option-groups.js';
import { createProgressBars } from './terminal/progress-bar.js';

/** Exit status of a command that was stopped, as shells have it for Ctrl-C. */
export const EXIT_ABORTED = 130;

/**
 * Runs one command. Errors are printed as one line; `--debug` adds where they come from.
 *
 * @param argv arguments after the program's name
 * @returns the exit status: 0, 1 for an error, 130 if it was stopped
 */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  const bars = createProgressBars(context.stderr);
  const program = createProgram(argv, { ...context, onProgress: bars.onProgress });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    bars.stop();
    if (error instanceof CommanderError) return error.exitCode;
    const { debug = false } = program.opts<{ debug?: boolean }>();
    context.stderr.write(describeError(namingOption(error, invokedIn(program, argv)), debug));
    return HarmonicaError.isInstance(error) && error.code === 'aborted' ? EXIT_ABORTED : 1;
  }
}

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string };

/** The `harmonica` program with all its commands, about to be given `argv`. */
function createProgram(argv: readonly string[], context: CommandContext): Command {
  const program = new Command('harmonica')
    .description('learn and use cache routers for diffusion transformers')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .configureHelp({ showGlobalOptions: true });
  addGlobalOptions(program);
  addDemoCommand(program, context);
  addSampleCommand(program, context);
  addTrainCommand(program, context);
  addInspectCommand(program, context);
  addImportCommand(program, context);
  addExportCommand(program, context);
  addPlanCommand(program, context);
  addScheduleCommand(program, context);
  addCalibrateCommand(program, context);
  addBenchCommand({ program, context, argv });
  addEvalCommand({ program, context, argv });
  addStatisticsCommand(program, context);
  return program;
}

/** An error of the library about an argument as one about the option that gave it, such as `--prompts-file`. */
function namingOption(error: unknown, invoked: readonly Command[]): unknown {
  if (!(error instanceof InvalidArgumentError)) return error;
  const { argument, value, expected, fix } = error;
  const option = invoked
    .flatMap(({ options }) => options)
    .find((each) => each.attributeName() === argument);
  if (!option?.long) return error;
  return new InvalidArgumentError({ argument: option.long, value, expected, fix, cause: error });
}

/** The program and the commands within it that the words name. */
function invokedIn(program: Command, argv: readonly string[]): readonly Command[] {
  const invoked = [program];
  for (const word of argv) {
    const next = invoked.at(-1)?.commands.find((command) => command.name() === word);
    if (next) invoked.push(next);
  }
  return invoked;
}

function describeError(error: unknown, debug: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = `error: ${printable(message)}\n`;
  if (!debug || !(error instanceof Error)) return line;
  const code = HarmonicaError.isInstance(error) ? `code: ${error.code}\n` : '';
  return `${line}${code}${stackOf(error)}`;
}

/** Most characters of a message: names in it come from files, which may hold any. */
const MAX_MESSAGE = 2000;

/** A message in one line, in which no character commands the terminal. */
function printable(message: string): string {
  const line = message.replaceAll(/\s*\n\s*/g, ' ').replaceAll(/\p{Cc}/gu, '\uFFFD');
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)} ...` : line;
}

/** The stack of an error and of what caused it. */
function stackOf(error: Error): string {
  const { stack = '', cause } = error;
  return `${stack}\n${cause instanceof Error ? `caused by ${stackOf(cause)}` : ''}`;
}

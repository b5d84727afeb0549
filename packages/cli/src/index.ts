export type { CliContext, TextOutput } from './cli-context.js';
export { EXIT_ABORTED, runCli } from './run-cli.js';

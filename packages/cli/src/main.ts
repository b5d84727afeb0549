import { EXIT_ABORTED, runCli } from './run-cli.js';

const controller = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (controller.signal.aborted) process.exit(EXIT_ABORTED);
    process.stderr.write('\nStopping after this step. Press Ctrl-C again to stop at once.\n');
    controller.abort(signal);
  });
}

const { stdout, stderr } = process;
process.exitCode = await runCli(process.argv.slice(2), {
  stdout,
  stderr,
  signal: controller.signal,
});

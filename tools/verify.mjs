// Every check of the repository, in the order of what fails fastest. Needs pnpm and the installed tools on the path.
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './setup.mjs';

const report = join(tmpdir(), `harmonica-tests-${process.pid}.json`);

const steps = [
  ['format and lint', 'biome', ['check', '.']],
  ['imports between packages, and circles', 'pnpm', ['run', '--silent', 'check-imports']],
  ['unused exports and dependencies', 'pnpm', ['run', '--silent', 'check-unused']],
  ['types of the sources', 'tsc', ['--build']],
  ['types of the tests and examples', 'tsc', ['-p', 'tsconfig.tests.json']],
  ['tests', 'vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile=${report}`]],
  ['documents', 'node', ['--conditions=@harmonica/source', '--import=tsx', 'docs/scripts/site.ts']],
  ['build', 'turbo', ['run', 'build', '--output-logs=errors-only']],
  ['published packages', 'turbo', ['run', 'check-exports', '--output-logs=errors-only']],
];

let failedSteps = 0;
for (const [title, command, args] of steps) {
  const started = performance.now();
  process.stdout.write(`\n== ${title}\n`);
  const env = { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
  const status = run(command, args, { stdio: 'inherit', env });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? 'ok' : 'FAILED'}: ${title} (${seconds} s)\n`);
  if (status !== 0) failedSteps += 1;
}

const { passed, failed, skipped } = testCounts();
// A failed check outside the tests counts as a failure too, so that the last line never hides it.
const otherFailures = failed === 0 ? failedSteps : Math.max(0, failedSteps - 1);
const skippedText = skipped > 0 ? `, ${skipped} skipped` : '';
process.stdout.write(`\n${passed} passed, ${failed + otherFailures} failed${skippedText}\n`);
process.exitCode = failed + otherFailures === 0 && passed > 0 ? 0 : 1;

function testCounts() {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    return {
      passed: numPassedTests,
      failed: numFailedTests,
      skipped: numPendingTests + numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  } finally {
    rmSync(report, { force: true });
  }
}

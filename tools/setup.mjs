import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout that this file is in. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const require = createRequire(import.meta.url);
const { packageManager } = require('../package.json');
const stamp = join(root, 'node_modules', '.harmonica-lock');

/** Installs the dependencies if they are missing or older than the lockfile. pnpm comes through npx. */
export function setUp() {
  const lock = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  process.stderr.write('Installing dependencies (once) ...\n');
  const status = run('npx', ['-y', packageManager, 'install', '--frozen-lockfile'], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.exit(status);
  writeFileSync(stamp, lock);
}

/** Runs a command in the checkout with pnpm and the installed tools on its path; returns its exit status. */
export function runWithTools(command, args) {
  return run('npx', ['-y', packageManager, 'exec', command, ...args], { stdio: 'inherit' });
}

/** Runs a command in the checkout; returns its exit status. */
export function run(command, args, options = { stdio: 'inherit' }) {
  const shell = process.platform === 'win32';
  const env = { ...process.env, npm_config_loglevel: 'error', ...options.env };
  const result = spawnSync(command, args, { cwd: root, shell, ...options, env });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

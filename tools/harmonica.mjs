#!/usr/bin/env node
// The harmonica command of a checkout: installs what is missing, then runs the sources.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

setUp();
const flags = ['--conditions=@harmonica/source', '--import', importOf('tsx')];
const main = join(root, 'packages/cli/src/main.ts');
const child = spawn(process.execPath, [...flags, main, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// Ctrl-C reaches the child by itself; this process only waits for what it makes of it.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
}
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

/** Where a package's main module is, whatever the current folder. */
function importOf(name) {
  return import.meta.resolve(name);
}

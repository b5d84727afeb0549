// `npm run try-release`: publishes a copy of the last commit to a registry on this machine, and has a reader of each README
// install the package and try its example. Prints what failed, then a table.
//
//   --manager npm    npm, pnpm or yarn alone; may be repeated
//   --package core   one package alone; may be repeated
//   --keep           leaves the temporary folder, and says where it is
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { copyCheckout, isDirty, publishCheckout } from './release/checkout.mjs';
import { runOrThrow } from './release/command.mjs';
import { installTools, MANAGERS, readersEnvironment } from './release/managers.mjs';
import { publishablePackages, readJson } from './release/packages.mjs';
import { CHECKS, readAndTry } from './release/reader.mjs';
import { startRegistry } from './release/registry.mjs';
import { root } from './setup.mjs';

const { values: options } = parseArgs({
  options: {
    manager: { type: 'string', multiple: true, default: Object.keys(MANAGERS) },
    package: { type: 'string', multiple: true },
    keep: { type: 'boolean', default: false },
  },
});
const names = publishablePackages(root).map(({ name }) => name);
const managers = chosen('manager', options.manager, Object.keys(MANAGERS));
const tried = chosen('package', options.package?.map(fullName) ?? names, names);

const folder = mkdtempSync(join(tmpdir(), 'harmonica-release-'));
process.on('exit', () => {
  if (options.keep) say(`Everything is left in ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

try {
  const rows = await tryRelease();
  for (const row of rows) say(failures(row));
  console.log(table(rows));
  if (!rows.every(({ results }) => succeeded(results))) process.exitCode = 1;
} catch (error) {
  say(`${error.message}`);
  process.exitCode = 1;
}

/** One row of results for each package and package manager. */
async function tryRelease() {
  say('Installing a registry and package managers ...');
  const get = ['npm', 'config', 'get', 'registry'];
  const { stdout } = await runOrThrow({ command: get, cwd: root, env: process.env });
  const upstream = stdout.trim();
  const pnpm = readJson(join(root, 'package.json')).packageManager.replace('pnpm@', '');
  const { env, verdaccio } = await installTools({ folder: join(folder, 'tools'), pnpm, upstream });

  say('Installing a copy of the last commit ...');
  if (await isDirty({ checkout: root, env })) say('What is not committed is not tried.');
  const copy = join(folder, 'checkout');
  await copyCheckout({ checkout: root, copy, env });

  const storage = join(folder, 'registry');
  const registry = await startRegistry({ folder: storage, script: verdaccio, upstream, names });
  try {
    say('Building and publishing it ...');
    await publishCheckout({ copy, env: { ...env, ...registry.settings } });
    return await tryPackages({ copy, env, registry });
  } finally {
    await registry.stop();
  }
}

async function tryPackages({ copy, env, registry }) {
  const { version: typescript } = readJson(join(copy, 'node_modules/typescript/package.json'));
  const rows = [];
  for (const published of publishablePackages(copy).filter(({ name }) => tried.includes(name))) {
    for (const by of managers) {
      const manager = MANAGERS[by];
      const place = join(folder, 'readers', by, published.name);
      const readersEnv = readersEnvironment({ env, manager, folder, registry });
      const reader = { published, manager, typescript, folder: place, env: readersEnv };
      const results = await readAndTry(reader);
      rows.push({ name: published.name, by, results });
      say(`${published.name} by ${by}: ${succeeded(results) ? 'ok' : 'FAILED'}`);
      if (!options.keep) rmSync(place, { recursive: true, force: true });
    }
  }
  return rows;
}

function succeeded(results) {
  return [...results.values()].every(({ ok }) => ok);
}

/** The ends of the outputs of what failed. */
function failures({ name, by, results }) {
  return [...results]
    .filter(([, { ok }]) => !ok)
    .map(([check, { output }]) => `\n== ${name} by ${by}: ${check}\n${output.slice(-4000)}`)
    .join('');
}

function table(rows) {
  const cell = (result) => (result === undefined ? '-' : result.ok ? 'ok' : 'FAILED');
  const cells = rows.map(({ name, by, results }) => [
    name,
    by,
    ...CHECKS.map((check) => cell(results.get(check))),
  ]);
  const lines = [['package', 'by', ...CHECKS], ...cells];
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  return lines.map((line) => line.map((text, i) => text.padEnd(widths[i])).join('  ')).join('\n');
}

/** A package by its name or by what comes behind the scope. */
function fullName(name) {
  return names.find((full) => full === name || full.endsWith(`/${name}`)) ?? name;
}

function chosen(option, wanted, known) {
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown === undefined) return wanted;
  console.error(`There is no ${option} ${unknown}; there are ${known.join(', ')}.`);
  process.exit(1);
}

function say(text) {
  if (text !== '') process.stderr.write(`${text}\n`);
}

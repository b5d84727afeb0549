import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { entryPoints, requiredPeers } from './packages.mjs';
import { brokenPromise, firstScreen } from './readme.mjs';

/** What is tried of each package, in order. */
export const CHECKS = ['alone', 'install', 'types bundler', 'types node16', 'run'];

const STRICT = { target: 'es2022', strict: true, skipLibCheck: false };
const TSCONFIGS = {
  bundler: { ...STRICT, module: 'esnext', moduleResolution: 'bundler', noEmit: true },
  node16: { ...STRICT, module: 'node16', moduleResolution: 'node16', outDir: 'out' },
};

/**
 * Does in an empty folder what a reader of a package's README does, after a look at the package alone:
 *
 * - `alone`: the package and the peers that it requires install, and all that can be imported from it loads and has types;
 * - `install`: the line of the README installs;
 * - `types bundler`, `types node16`: the README's example is strictly typed in TypeScript, libraries included;
 * - `run`: it runs and prints what it says. An example for a shell is only run.
 *
 * @returns {Promise<Map<string, { ok: boolean, output: string }>>} by check, up to the first install that fails
 */
export async function readAndTry({ published, manager, typescript, folder, env }) {
  mkdirSync(folder, { recursive: true });
  const files = {
    'package.json': { private: true, type: 'module', devDependencies: { typescript } },
    'tsconfig.bundler.json': { compilerOptions: TSCONFIGS.bundler, files: ['program.ts'] },
    'tsconfig.node16.json': { compilerOptions: TSCONFIGS.node16, files: ['program.ts'] },
  };
  for (const [name, content] of Object.entries(files)) write(name, JSON.stringify(content));
  for (const [name, text] of Object.entries(manager.files)) write(name, text);

  const { install, example } = firstScreen(published.readme);
  const results = new Map();
  results.set('alone', await tryAlone());
  results.set('install', await inFolder(manager.add, install));
  if (!results.get('install').ok) return results;
  if (example.language === 'ts') {
    write('program.ts', example.code);
    results.set('types bundler', await types('bundler'));
    results.set('types node16', await types('node16'));
    results.set('run', await runProgram(example.code));
  } else {
    results.set('run', await runCommands(example.code));
  }
  return results;

  function write(name, text) {
    writeFileSync(join(folder, name), text);
  }

  function inFolder(start, rest) {
    return run({ command: [...start, ...rest], cwd: folder, env });
  }

  function types(resolution) {
    rmSync(join(folder, 'out'), { recursive: true, force: true });
    return inFolder(manager.exec, ['tsc', '-p', `tsconfig.${resolution}.json`]);
  }

  async function tryAlone() {
    const peers = requiredPeers(published.manifest);
    write('program.ts', importAll(entryPoints(published.manifest)));
    return allOf([
      () => inFolder(manager.add, [published.name, ...peers]),
      () => types('bundler'),
      () => types('node16'),
      () => inFolder(manager.node, ['out/program.js']),
    ]);
  }

  async function runProgram(code) {
    const result = await inFolder(manager.node, ['out/program.js']);
    const broken = brokenPromise(code, result.stdout);
    if (!result.ok || broken === undefined) return result;
    return { ok: false, output: `${result.output}This was not printed: ${broken}\n` };
  }

  function runCommands(code) {
    const lines = code.split('\n').map((line) => line.replace(/ #.*/, '').trim());
    const commands = lines.filter((line) => line !== '').map((line) => line.split(/\s+/));
    return allOf(commands.map((command) => () => inFolder(manager.exec, command)));
  }
}

/** A program that imports everything from some modules. */
function importAll(modules) {
  const imports = modules.map((module, i) => `import * as module${i} from '${module}';\n`);
  const names = modules.map((_, i) => `module${i}`).join(', ');
  return `${imports.join('')}console.log([${names}].map((module) => Object.keys(module).length));\n`;
}

/** Runs things one after the other up to the first that fails. */
async function allOf(tasks) {
  let output = '';
  for (const task of tasks) {
    const result = await task();
    output += result.output;
    if (!result.ok) return { ok: false, output };
  }
  return { ok: true, output };
}

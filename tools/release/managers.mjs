import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runOrThrow } from './command.mjs';

/** Whoever reads the READMEs has one of these; npm comes with Node. Yarn's package is Yarn whole, and downloads nothing more. */
const TOOLS = { verdaccio: '6.8.0', '@yarnpkg/cli-dist': '4.18.1' };

/** verdaccio-audit asks for a dist-tag of node-fetch, and registries that mirror do not have them all. */
const OVERRIDES = { 'verdaccio-audit': { 'node-fetch': '2.7.0' } };

/**
 * The package managers: how each adds packages to a folder, and runs Node and the commands of packages there; which files
 * make a folder its project; and the settings that have it keep what it downloads in one folder. Yarn is left at its default,
 * Plug'n'Play, in which a package finds nothing but what it has declared.
 */
export const MANAGERS = {
  npm: {
    add: ['npm', 'install', '--no-audit', '--no-fund'],
    node: ['node'],
    exec: ['npm', 'exec', '--'],
    files: {},
    settings: ({ folder }) => ({ NPM_CONFIG_CACHE: join(folder, 'npm') }),
  },
  pnpm: {
    add: ['pnpm', 'add'],
    node: ['node'],
    exec: ['pnpm', 'exec'],
    files: {},
    settings: ({ folder }) => ({
      NPM_CONFIG_STORE_DIR: join(folder, 'pnpm-store'),
      NPM_CONFIG_CACHE_DIR: join(folder, 'pnpm-cache'),
    }),
  },
  yarn: {
    add: ['yarn', 'add'],
    node: ['yarn', 'node'],
    exec: ['yarn', 'run'],
    // The README of sdt tells of the extension.
    files: { 'yarn.lock': '', '.yarnrc.yml': JSON.stringify({ packageExtensions: undeclared() }) },
    settings: ({ folder, url }) => ({
      YARN_GLOBAL_FOLDER: join(folder, 'yarn'),
      YARN_NPM_REGISTRY_SERVER: url,
      YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
      YARN_NPM_MINIMAL_AGE_GATE: '0', // what was published just now is what is tried
      YARN_ENABLE_TELEMETRY: '0',
      YARN_ENABLE_IMMUTABLE_INSTALLS: '0', // true where CI is set
    }),
  },
};

/** What other packages use without declaring it. */
function undeclared() {
  return { '@tensorflow/tfjs@*': { dependencies: { long: '^4.0.0' } } };
}

/**
 * Installs a registry and the package managers into a folder.
 *
 * @param {{ folder: string, pnpm: string, upstream: string }} options `pnpm` is its version, `upstream` the registry to ask
 * @returns {Promise<{ env: Record<string, string>, verdaccio: string }>} the environment in which they are found, without
 * what a package manager that started this process has put there; and the script of verdaccio, the registry
 */
export async function installTools({ folder, pnpm, upstream }) {
  mkdirSync(folder);
  const manifest = { private: true, dependencies: { ...TOOLS, pnpm }, overrides: OVERRIDES };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm|pnpm)_/i.test(name));
  const env = { ...Object.fromEntries(kept), NPM_CONFIG_REGISTRY: upstream };
  await runOrThrow({ command: MANAGERS.npm.add, cwd: folder, env });
  const modules = join(folder, 'node_modules');
  return {
    env: { ...env, PATH: `${join(modules, '.bin')}${delimiter}${process.env.PATH}` },
    verdaccio: join(modules, 'verdaccio', 'bin', 'verdaccio'),
  };
}

/** The environment of a reader whose package manager knows one registry and keeps what it downloads in one folder. */
export function readersEnvironment({ env, manager, folder, registry: { url, settings } }) {
  return {
    ...env,
    ...manager.settings({ folder, url }),
    ...settings,
    ONNXRUNTIME_NODE_INSTALL: 'skip', // as the README of onnx has it: its install script downloads CUDA's libraries
  };
}

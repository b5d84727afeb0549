import { defineConfig } from 'tsup';

/**
 * The one build of every published package: ESM with types, from the given entry files.
 *
 * @param {string[]} entry
 * @param {string[]} [globalTypes] packages whose types have to be in force for the package's own to be whole
 */
export function library(entry = ['src/index.ts'], globalTypes = []) {
  const banner = globalTypes.map((name) => `/// <reference types="${name}" />`).join('\n');
  return defineConfig({
    entry,
    format: ['esm'],
    dts: { banner },
    sourcemap: true,
    clean: true,
    target: 'es2022',
    treeshake: true,
    tsconfig: 'tsconfig.build.json',
  });
}

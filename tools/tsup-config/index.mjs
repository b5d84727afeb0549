import { defineConfig } from 'tsup';

/** The one build of every published package: ESM with types, from the given entry files. */
export function library(entry = ['src/index.ts']) {
  return defineConfig({
    entry,
    format: ['esm'],
    dts: true,
    sourcemap: true,
    clean: true,
    target: 'es2022',
    treeshake: true,
    tsconfig: 'tsconfig.build.json',
  });
}

import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@harmonica/source'] },
  ssr: { resolve: { conditions: ['@harmonica/source', 'node', 'import', 'default'] } },
  test: {
    setupFiles: ['tools/vitest/setup.ts'],
    include: [
      'packages/*/src/**/*.test.ts',
      'examples/*/*.test.ts',
      'tools/**/*.test.mjs',
      'docs/scripts/*.test.ts',
    ],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});

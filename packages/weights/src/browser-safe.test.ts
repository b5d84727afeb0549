import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { describe, expect, it } from 'vitest';

const folder = new URL('.', import.meta.url);

/** Everything outside the package that a module imports, itself or through others. */
function externals(module: string, seen = new Set<string>()): string[] {
  if (seen.has(module)) return [];
  seen.add(module);
  const text = readFileSync(new URL(module.replace(/\.js$/, '.ts'), folder), 'utf8');
  const source = text.replaceAll(/import type [^;]+;/g, ''); // nothing of types is left when it runs
  const specifiers = [...source.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, s]) => s);
  return specifiers.flatMap((specifier = '') =>
    specifier.startsWith('.') ? externals(join(dirname(module), specifier), seen) : [specifier],
  );
}

describe('modules for every platform', () => {
  it.each(['safetensors/safetensors.js', 'pytorch/unpickle.js', 'pytorch/pytorch-globals.js'])(
    '%s imports nothing but the core',
    (module) => {
      expect(new Set(externals(module))).toEqual(new Set(['@harmonica/core']));
    },
  );

  it('are told from those that need Node', () => {
    expect(externals('open-model.js')).toContain('node:fs/promises');
    expect(externals('open-model.js')).toContain('@huggingface/hub');
  });
});

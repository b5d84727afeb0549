import { describe, expect, it } from 'vitest';
import { root } from '../setup.mjs';
import { publishablePackages, requiredPeers } from './packages.mjs';
import { firstScreen, importedPackages, promisedOutput } from './readme.mjs';

describe.each(publishablePackages(root))('the README of $name', ({ name, manifest, readme }) => {
  const { install, example } = firstScreen(readme);

  it('installs the package, its peers and what its example imports', () => {
    const needed = [name, ...requiredPeers(manifest), ...importedPackages(example.code)];
    expect(install).toEqual(expect.arrayContaining(needed));
  });

  it('has an example of at most ten lines, imports aside', () => {
    const rest = example.code.replace(/^import .*?;$/gms, '');
    const lines = rest.split('\n').filter((line) => line !== '');
    expect(lines.length).toBeLessThanOrEqual(10);
  });

  it('lists what the package exports', () => {
    expect(readme).toMatch(/^\| export +\| .*\|$/m);
  });

  it('says what its example prints', () => {
    if (example.language === 'ts') expect(promisedOutput(example.code)).not.toEqual([]);
  });
});

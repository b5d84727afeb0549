import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The packages of a checkout that are published: those of `packages` that are not private, by name.
 *
 * @returns {{ name: string, folder: string, manifest: object, readme: string }[]}
 */
export function publishablePackages(checkout) {
  return readdirSync(join(checkout, 'packages'))
    .map((name) => join(checkout, 'packages', name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, manifest: readJson(join(folder, 'package.json')) }))
    .filter(({ manifest }) => !manifest.private)
    .map(({ folder, manifest }) => {
      const readme = readFileSync(join(folder, 'README.md'), 'utf8');
      return { name: manifest.name, folder, manifest, readme };
    });
}

/** The peers without which a package does not work. */
export function requiredPeers({ peerDependencies = {}, peerDependenciesMeta = {} }) {
  return Object.keys(peerDependencies).filter((peer) => !peerDependenciesMeta[peer]?.optional);
}

/** What can be imported from a package: its name, and its name with a subpath, as `exports` has them. */
export function entryPoints({ name, exports }) {
  return Object.keys(exports)
    .filter((path) => !path.endsWith('.json'))
    .map((path) => `${name}${path.slice(1)}`);
}

export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

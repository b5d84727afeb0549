import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { parseResultRows, type ResultRow } from './result-rows.js';

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where the sources are, for links to what is no page. */
export const repository = 'https://github.com/harmonica-ts/harmonica';

const results = join(root, 'docs/results');

/** Paths of the documents that show results. */
export function pagesWithResults(): readonly string[] {
  const pages = readdirSync(results).filter((name) => name.endsWith('.md'));
  return [join(root, 'README.md'), ...pages.map((name) => join(results, name))];
}

/** Names of the files of measurements. */
export function resultFiles(): readonly string[] {
  const ending = '.results.jsonl';
  const files = readdirSync(results).filter((name) => name.endsWith(ending));
  return files.map((name) => name.slice(0, -ending.length));
}

/** The measurements of a file. */
export function readMeasurements(file: string): readonly ResultRow[] {
  return parseResultRows(readFileSync(join(results, `${file}.results.jsonl`), 'utf8'));
}

/** A package that is published. */
export interface PublishedPackage {
  readonly name: string;
  /** From the root: `packages/core`. */
  readonly folder: string;
  /** Its entries: the name to import, and the source file from the root. */
  readonly entries: readonly { readonly specifier: string; readonly source: string }[];
}

/** The packages that are published, in the order of their folders. */
export function publishedPackages(): readonly PublishedPackage[] {
  const folders = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
  return folders.flatMap((folder) => {
    const text = readFileSync(join(root, folder, 'package.json'), 'utf8');
    const { name, exports, private: hidden } = packageSchema().parse(JSON.parse(text));
    const entries = Object.entries(exports).flatMap(([path, target]) => {
      const source = typeof target === 'string' ? undefined : target['@harmonica/source'];
      if (source === undefined) return [];
      return [{ specifier: posix.join(name, path), source: posix.join(folder, source) }];
    });
    return hidden ? [] : [{ name, folder, entries }];
  });
}

const packageSchema = () =>
  z.object({
    name: z.string(),
    private: z.boolean().default(false),
    exports: z.record(z.string(), z.union([z.string(), z.record(z.string(), z.string())])),
  });

const SKIPPED = new Set(['node_modules', 'dist', 'out', 'api', 'src', '.vitepress']);

/** Paths of all documents, from the root: of the packages, the examples, the guides and the project. */
export function allDocuments(folder = ''): readonly string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isFile()) return /(?<!CHANGELOG)\.md$/.test(entry.name) ? [path] : [];
    return entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED.has(entry.name)
      ? allDocuments(path)
      : [];
  });
}

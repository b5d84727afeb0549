import { existsSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { repository, root } from './documents.js';

/**
 * Where a link of a document leads on the site. Documents link to files and folders of the checkout, as they are read
 * there; a folder is its README, and what is no page is shown by the repository.
 * @param from The document, from the root: `packages/core/README.md`.
 * @returns `undefined` if there is nothing where it leads.
 */
export function siteLink(from: string, href: string): string | undefined {
  if (/^([a-z]+:|#|\/)/.test(href)) return href;
  const [, path = '', anchor = ''] = /^([^#]*)(#.*)?$/.exec(href) ?? [];
  const target = posix.join(posix.dirname(from), decodeURI(path)).replace(/\/$/, '');
  const file = join(root, target);
  if (!existsSync(file)) return undefined;
  if (statSync(file).isDirectory()) {
    return existsSync(join(file, 'README.md'))
      ? pageOf(`${target}/README.md`, anchor)
      : `${repository}/tree/main/${target}`;
  }
  return target.endsWith('.md')
    ? pageOf(target, anchor)
    : `${repository}/blob/main/${target}${anchor}`;
}

function pageOf(document: string, anchor: string): string {
  return `/${document.replace(/(^|\/)README\.md$/, '$1')}${anchor}`;
}

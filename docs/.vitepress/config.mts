import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { defineConfig, type MarkdownRenderer } from 'vitepress';
import { allDocuments, publishedPackages, repository, root } from '../scripts/documents.js';
import { siteLink } from '../scripts/site-link.js';

// The pages are the documents of the checkout where they lie, and the API, which `npm run docs` writes into docs/api.
const guides = [
  'sample',
  'train-a-router',
  'compare-methods',
  'add-a-method',
  'bring-your-own-model',
  'browser',
  'publish',
].map((name) => `docs/guide/${name}.md`);
const documents = allDocuments();
const under = (folder: string) => documents.filter((path) => path.startsWith(`${folder}/`));
const project = documents.filter((path) => !path.includes('/') && path !== 'README.md');

export default defineConfig({
  title: 'HarmoniCa',
  description: 'Learned feature caching for diffusion transformers, in TypeScript.',
  srcDir: '..',
  srcExclude: ['**/CHANGELOG.md', '**/src/**', '**/out/**', 'packages/testing/**'],
  rewrites: (page) => page.replace(/(^|\/)README\.md$/, '$1index.md'),
  markdown: { config: rewriteLinks },
  themeConfig: {
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: repository }],
    nav: [
      { text: 'Guides', link: '/docs/guide/sample' },
      { text: 'Results', link: '/docs/results/' },
      { text: 'API', link: '/docs/api/' },
    ],
    sidebar: [
      { text: 'Guides', items: guides.map(item) },
      { text: 'Results', items: under('docs/results').map(item) },
      { text: 'Packages', items: publishedPackages().map((p) => item(`${p.folder}/README.md`)) },
      { text: 'API', collapsed: true, items: publishedPackages().flatMap(apiItems) },
      { text: 'Examples', collapsed: true, items: under('examples').map(item) },
      { text: 'Project', items: project.map(item) },
    ],
    outline: [2, 3],
  },
});

/** A document in the sidebar, by its first heading. */
function item(path: string) {
  const [, text = path] = /^# (.+)$/m.exec(readFileSync(join(root, path), 'utf8')) ?? [];
  return { text, link: linkFrom('README.md', path) };
}

function apiItems({ entries }: ReturnType<typeof publishedPackages>[number]) {
  return entries.map(({ specifier }) => ({ text: specifier, link: `/docs/api/${specifier}` }));
}

/** Links lead to pages where they lead to files in a checkout. */
function rewriteLinks(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('site-links', ({ tokens, env }) => {
    const from = relative(root, env.realPath ?? env.path);
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      if (href !== null) token.attrSet('href', linkFrom(from, href));
    }
  });
}

function linkFrom(from: string, href: string): string {
  const link = siteLink(from, href);
  if (link === undefined) throw new Error(`${from} links to ${href}, which is not there.`);
  return link;
}

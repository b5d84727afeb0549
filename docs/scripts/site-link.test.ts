import { expect, it } from 'vitest';
import { repository } from './documents.js';
import { siteLink } from './site-link.js';

it.each([
  ['a document', 'README.md', 'FEATURES.md', '/FEATURES.md'],
  ['a document above', 'packages/core/README.md', '../../FEATURES.md', '/FEATURES.md'],
  ['a heading of one', 'README.md', 'FEATURES.md#engines', '/FEATURES.md#engines'],
  ['a folder with a README', 'README.md', 'packages/core', '/packages/core/'],
  ['a README', 'packages/core/README.md', '../onnx/README.md', '/packages/onnx/'],
  ['the first page', 'packages/core/README.md', '../../README.md', '/'],
  ['a folder without one', 'README.md', 'docs/scripts', `${repository}/tree/main/docs/scripts`],
  [
    'a file',
    'examples/quickstart/README.md',
    'index.ts',
    `${repository}/blob/main/examples/quickstart/index.ts`,
  ],
  ['a heading of the page', 'README.md', '#results', '#results'],
  ['another site', 'README.md', 'https://arxiv.org', 'https://arxiv.org'],
])('leads to %s', (_, from, href, link) => {
  expect(siteLink(from, href)).toBe(link);
});

it('leads nowhere if there is nothing', () => {
  expect(siteLink('README.md', 'packages/none')).toBeUndefined();
  expect(siteLink('packages/core/README.md', 'FEATURES.md')).toBeUndefined();
});

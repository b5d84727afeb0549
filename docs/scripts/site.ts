// `npm run docs`: the API from the docstrings, then the site in docs/.vitepress/dist. It fails for exports without a
// docstring, types that are needed but not exported, and dead links.
import { join } from 'node:path';
import { build } from 'vitepress';
import { writeApi } from './api.js';
import { root } from './documents.js';

if (await writeApi()) {
  await build(join(root, 'docs'));
} else {
  process.exitCode = 1;
}

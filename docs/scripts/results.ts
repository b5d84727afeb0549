// `npm run results`: draws the tables of the documents from docs/results/*.results.jsonl.
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { pagesWithResults, readMeasurements, root } from './documents.js';
import { fillPage } from './fill-page.js';
import { RESULT_TABLES } from './result-tables.js';

for (const path of pagesWithResults()) {
  const page = readFileSync(path, 'utf8');
  const filled = fillPage(page, { tables: RESULT_TABLES, measurements: readMeasurements });
  if (filled === page) continue;
  writeFileSync(path, filled);
  console.log(`drawn: ${relative(root, path)}`);
}

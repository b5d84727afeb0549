import { InvalidArgumentError } from '@harmonica/core';
import { markdownTable } from 'markdown-table';
import { joinMeasurements, originsOf, type ResultRow } from './result-rows.js';
import type { ResultTable } from './result-tables.js';

/** Tables by name, and the measurements of a file by its name. */
export interface PageSources {
  readonly tables: Readonly<Record<string, ResultTable>>;
  readonly measurements: (file: string) => readonly ResultRow[];
}

const PLACE = /<!-- results (\S+) -->\n.*?<!-- \/results -->/gs;

/**
 * A page with its tables drawn anew. What stands between `<!-- results NAME -->` and `<!-- /results -->` is replaced,
 * everything else is kept.
 * @throws {@link InvalidArgumentError} if there is no table of that name.
 */
export function fillPage(page: string, { tables, measurements }: PageSources): string {
  return page.replace(PLACE, (_, name: string) => {
    const table = tables[name];
    if (table === undefined)
      throw new InvalidArgumentError({
        argument: 'results',
        value: name,
        expected: `one of ${Object.keys(tables).join(', ')}`,
      });
    const lines = drawTable(table, measurements(table.file));
    return [`<!-- results ${name} -->`, '', lines, '', '<!-- /results -->'].join('\n');
  });
}

/** Names of the tables that a page shows. */
export function tablesOf(page: string): readonly string[] {
  return [...page.matchAll(PLACE)].map(([, name = '']) => name);
}

/** A table in Markdown, and below it what each of its measurements comes from. */
export function drawTable(table: ResultTable, measurements: readonly ResultRow[]): string {
  const { columns, key, shows = () => true } = table;
  const shown = measurements.filter(shows);
  const rows = joinMeasurements(shown, key).map((row) =>
    columns.map(({ figure, cell }) =>
      row.bold?.includes(figure) ? `**${cell(row)}**` : cell(row),
    ),
  );
  const align = columns.map((column) => column.align);
  const drawn = markdownTable([columns.map(({ title }) => title), ...rows], { align });
  return [drawn, '', ...originsOf(shown).map(originLine)].join('\n');
}

function originLine({ command, machine, commit, count }: ReturnType<typeof originsOf>[number]) {
  const where = machine === 'not recorded' ? 'machine not recorded' : machine;
  const rows = count === 1 ? '1 measurement' : `${count} measurements`;
  return `- ${rows}: \`${command}\`; ${where}; commit \`${commit.slice(0, 7)}\``;
}

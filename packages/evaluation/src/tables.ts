import { markdownTable, type TableOptions } from '@harmonica/pictures';
import { type EvalOutcome, type FinishedRow, groupsOf } from './row.js';

/** A column of the tables, in the order and with the names of the paper. */
interface Column {
  readonly head: string;
  /** Nothing where a row has no such value. */
  readonly cell: (row: FinishedRow) => string | null | undefined;
}

/** Every metric with a value in some row is a column; those of features have the name of what made them. */
function columns({ extractor, target }: EvalOutcome): readonly Column[] {
  const of = extractor ? `, ${extractor}` : '';
  return [
    { head: 'method', cell: ({ name }) => name },
    { head: 'T', cell: ({ plan }) => String(plan.steps.length) },
    number(`IS ↑${of}`, ({ quality }) => quality.inceptionScore, 2),
    number(`FID ↓${of}`, ({ quality }) => quality.fid, 3),
    number(`sFID ↓${of}`, ({ quality }) => quality.sfid, 3),
    number(`KID×1000 ↓${of}`, ({ quality }) => times(1000, quality.kid), 3),
    number(`Precision % ↑${of}`, ({ quality }) => times(100, quality.precision), 2),
    number(`Recall % ↑${of}`, ({ quality }) => times(100, quality.recall), 2),
    number('PSNR to uncached ↑', ({ quality }) => quality.psnrToUncached, 2),
    number('SSIM to uncached ↑', ({ quality }) => quality.ssimToUncached, 4),
    number(`PSNR to ${target} ↑`, ({ quality }) => quality.psnrToTarget, 2),
    number(`SSIM to ${target} ↑`, ({ quality }) => quality.ssimToTarget, 4),
    number(`feature distance ↓${of}`, ({ quality }) => quality.featureDistance, 4),
    number('CUR %', ({ savings }) => times(100, savings.cacheUtilization || null), 2),
    { head: 'by MACs', cell: ({ savings }) => ratio(savings.theoreticalSpeedUp) },
    number('latency s', ({ latency }) => times(1e-3, latency?.ms.median), 3),
    { head: 'speed-up', cell: ({ latency }) => latency && ratio(latency.speedUp.median) },
    number('spread %', ({ latency }) => times(100, latency?.ms.spread), 1),
  ];
}

/** A table for each group, as Markdown. */
export function markdownTables(outcome: EvalOutcome): string {
  return groupsOf(outcome.rows)
    .map(({ name, rows }) => `### ${name}\n\n${markdownTable(tableOf(outcome, rows))}`)
    .concat(footnotes(outcome).map((line) => `${line}\n`))
    .join('\n');
}

/** Some rows with all columns that the outcome has. */
export function tableOf(outcome: EvalOutcome, rows: readonly FinishedRow[]): TableOptions {
  const shown = shownColumns(outcome);
  return {
    head: shown.map(({ head }) => head),
    rows: rows.map((row) => shown.map(({ cell }) => cell(row) ?? '-')),
  };
}

/** One `tabular` for all groups, for the package booktabs. */
export function latexTable(outcome: EvalOutcome): string {
  const shown = shownColumns(outcome);
  const line = (cells: readonly string[]) => `${cells.join(' & ')} \\\\`;
  const groups = groupsOf(outcome.rows).map(({ name, rows }) =>
    [
      '\\midrule',
      line([`\\multicolumn{${shown.length}}{c}{${escapeLatex(name)}}`]),
      '\\midrule',
      ...rows.map((row) => line(shown.map(({ cell }) => escapeLatex(cell(row) ?? '-')))),
    ].join('\n'),
  );
  return [
    ...footnotes(outcome).map((note) => `% ${note}`),
    `\\begin{tabular}{l${'r'.repeat(shown.length - 1)}}`,
    '\\toprule',
    line(shown.map(({ head }) => escapeLatex(head))),
    ...groups,
    '\\bottomrule',
    '\\end{tabular}',
    '',
  ].join('\n');
}

/** What a reader has to know about the figures. */
export function footnotes(outcome: EvalOutcome): readonly string[] {
  const { model, guidance, images, extractor, reference, missed } = outcome;
  const features =
    extractor && `features of ${extractor}${reference ? `, against ${reference}` : ''}`;
  return [
    [`${model}, guidance ${guidance}, ${images} images a row`, features]
      .filter(Boolean)
      .join('; ')
      .concat('.'),
    ...missed.map(
      ({ group, method, setting, target, value, speedUp }) =>
        `${group}: no ${setting} of ${method} comes near ${ratio(target)} (${setting} ${round(value)}: ${ratio(speedUp)}).`,
    ),
  ];
}

function shownColumns(outcome: EvalOutcome): readonly Column[] {
  return columns(outcome).filter(({ cell }) => outcome.rows.some((row) => cell(row)));
}

function number(head: string, value: (row: FinishedRow) => number | null, digits: number): Column {
  return { head, cell: (row) => value(row)?.toFixed(digits) };
}

function times(factor: number, value: number | null | undefined): number | null {
  return typeof value === 'number' ? factor * value : null;
}

function ratio(value: number): string {
  return `${value.toFixed(2)}x`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(4)));
}

const LATEX: Readonly<Record<string, string>> = {
  '↑': '$\\uparrow$',
  '↓': '$\\downarrow$',
  '×': '$\\times$',
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
};

function escapeLatex(text: string): string {
  return text.replaceAll(
    /[\\~^↑↓×]|[&%$#_{}]/g,
    (character) => LATEX[character] ?? `\\${character}`,
  );
}

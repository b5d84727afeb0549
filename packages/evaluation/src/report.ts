import type { BenchRecord } from './bench/record.js';
import type { EvalProvenance } from './evaluate.js';
import type { Figure, FigureSection } from './figures.js';
import { type EvalOutcome, groupsOf } from './row.js';
import { footnotes, tableOf } from './tables.js';

/** Options of {@link evalReport}. */
interface EvalReportOptions {
  readonly outcome: EvalOutcome;
  readonly sections: readonly FigureSection[];
  /** How the figures came about. */
  readonly record: Pick<BenchRecord, 'command' | 'date' | 'machine' | 'versions'>;
  readonly provenance: Pick<EvalProvenance, 'engine'>;
}

const STYLE = `
body { font: 15px/1.5 Helvetica, Arial, sans-serif; color: #222; max-width: 1100px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums }
th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
tr.uncached { background: #f4f4f4 }
.scroll { overflow-x: auto }
figure { display: inline-block; margin: 0 1.5em 1.5em 0; vertical-align: top; max-width: 100% }
figure img, figure svg { max-width: 100%; height: auto }
figcaption { font-size: 13px; color: #555 }
footer { color: #555; font-size: 13px; border-top: 1px solid #ddd; margin-top: 2em }`;

/** Everything of an evaluation on one page that needs nothing else: tables, curves, images, schedules, errors, costs. */
export function evalReport(options: EvalReportOptions): string {
  const { outcome, sections, record, provenance } = options;
  const title = `Evaluation of ${outcome.model}`;
  return [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>`,
    `<style>${STYLE}</style></head><body>`,
    `<h1>${escapeHtml(title)}</h1>`,
    ...footnotes(outcome).map((note) => `<p>${escapeHtml(note)}</p>`),
    ...tables(outcome),
    ...sections.map(section),
    footer(record, provenance),
    '</body></html>\n',
  ].join('\n');
}

function tables(outcome: EvalOutcome): string[] {
  return groupsOf(outcome.rows).map(({ name, rows }) => {
    const { head, rows: lines } = tableOf(outcome, rows);
    const cells = (tag: string, line: readonly string[]) =>
      line.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('');
    const body = lines.map((line, i) => {
      const mark = rows[i]?.uncached ? '' : ' class="uncached"';
      return `<tr${mark}>${cells('td', line)}</tr>`;
    });
    return [
      `<h2>${escapeHtml(name)}</h2><div class="scroll"><table>`,
      `<tr>${cells('th', head)}</tr>`,
      ...body,
      '</table></div>',
    ].join('\n');
  });
}

function section({ title, text, figures }: FigureSection): string {
  return [`<h2>${escapeHtml(title)}</h2><p>${escapeHtml(text)}</p>`, ...figures.map(figure)].join(
    '\n',
  );
}

function figure({ title, content }: Figure): string {
  const picture =
    typeof content === 'string'
      ? content
      : `<img alt="${escapeHtml(title)}" src="data:image/png;base64,${Buffer.from(content).toString('base64')}">`;
  return `<figure>${picture}<figcaption>${escapeHtml(title)}</figcaption></figure>`;
}

function footer(
  { command, date, machine, versions }: EvalReportOptions['record'],
  { engine }: EvalReportOptions['provenance'],
): string {
  const { cpu, cores, memoryGiB, platform } = machine;
  const { backend, gpu } = engine;
  const runsOn = `engine ${backend}${gpu === null ? '' : ` on ${gpu}`}`;
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `<footer><p><code>${escapeHtml(command)}</code>, ${escapeHtml(date)}.`,
    `${escapeHtml(`${cpu}, ${cores} cores, ${memoryGiB} GiB, ${platform}; ${runsOn}; ${used.join(', ')}`)}.</p></footer>`,
  ].join(' ');
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

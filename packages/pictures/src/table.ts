/** Options of {@link textTable} and {@link markdownTable}. */
export interface TableOptions {
  readonly head: readonly string[];
  /** As many cells as `head` has. */
  readonly rows: readonly (readonly string[])[];
}

/** A table for the terminal: columns padded to their widest cell, the first to the left, the others to the right. */
export function textTable({ head, rows }: TableOptions): string {
  const lines = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...lines.map((row) => row[i]?.length ?? 0)));
  const format = (row: readonly string[]) =>
    row
      .map((cell, i) => pad(cell, widths[i] ?? 0, i === 0))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [format(head), rule, ...rows.map(format), ''].join('\n');
}

/** A Markdown table: the first column to the left, the others to the right. */
export function markdownTable({ head, rows }: TableOptions): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line), ''].join('\n');
}

function pad(cell: string, width: number, left: boolean): string {
  return left ? cell.padEnd(width) : cell.padStart(width);
}

/** A block of TypeScript in a document. */
export interface CodeBlock {
  readonly document: string;
  /** The line of its first line in the document, from 1. */
  readonly line: number;
  readonly code: string;
}

/** The TypeScript blocks of a document, in order. */
export function codeBlocks(document: string, text: string): readonly CodeBlock[] {
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ index, 1: code = '' }) => {
    return { document, line: text.slice(0, index).split('\n').length + 1, code };
  });
}

/** Whether a block is a whole program. The others are parts of one: what they leave out is given. */
export function isProgram({ code }: CodeBlock): boolean {
  return code.startsWith('import ');
}

/** What a program says that it prints: comments behind its `console.log`, in order. */
export function promisesOf({ code }: CodeBlock): readonly string[] {
  return [...code.matchAll(/^ *console\.log\(.*\); \/\/ (.+)$/gm)].map(([, said = '']) => said);
}

/**
 * The promises that an output does not keep. Each has to be a line of it, in this order, as it is or with words behind it:
 * `72 outputs at most` is kept by `72`. Spaces next to brackets and commas do not count.
 */
export function brokenPromises(promises: readonly string[], output: string): readonly string[] {
  const lines = output.split('\n').map(tidy);
  let next = 0;
  return promises.filter((promise) => {
    const said = tidy(promise);
    const found = lines.findIndex((line, index) => index >= next && isSaidBy(line, said));
    if (found >= 0) next = found + 1;
    return found < 0;
  });
}

function isSaidBy(line: string, said: string): boolean {
  return (
    line !== '' && (said === line || [' ', ':', ';'].some((end) => said.startsWith(line + end)))
  );
}

function tidy(text: string): string {
  return text
    .trim()
    .replaceAll(/\s*([[\]{},])\s*/g, '$1')
    .replaceAll(/\s+/g, ' ');
}

/** The names in the first column of a README's tables of exports. */
export function listedExports(text: string): readonly string[] {
  const tables = [...text.matchAll(/^\| export .*\n(?:\|.*\n?)+/gm)].map(([table]) => table);
  const cells = tables.flatMap((table) => table.trimEnd().split('\n').slice(2));
  const code = cells.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)]);
  return code.flatMap(([, named = '']) => /^\w+(?=$|\W)(?!…)/.exec(named) ?? []);
}

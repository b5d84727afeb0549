/**
 * JSON for people and version control: objects with one key a line, arrays of plain values on one line, arrays of
 * anything else with one element a line. Keys without a value are left out, as `JSON.stringify` does.
 *
 * @param indent spaces before the closing bracket. Default 0.
 * @internal
 */
export function readableJson(value: unknown, indent = 0): string {
  if (!isContainer(value)) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) {
    if (!value.some(isContainer)) return `[${value.map((item) => readableJson(item)).join(', ')}]`;
    const lines = value.map((item) => readableJson(item, indent + 2));
    return block({ brackets: '[]', lines, indent });
  }
  const lines = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => `${JSON.stringify(key)}: ${readableJson(item, indent + 2)}`);
  return block({ brackets: '{}', lines, indent });
}

/** Lines between brackets, two spaces further in. @internal */
export function block(options: {
  readonly brackets: '[]' | '{}';
  readonly lines: readonly string[];
  readonly indent: number;
}): string {
  const { brackets, lines, indent } = options;
  if (lines.length === 0) return brackets;
  const margin = ' '.repeat(indent);
  const inner = lines.map((line) => `${margin}  ${line}`).join(',\n');
  return `${brackets[0]}\n${inner}\n${margin}${brackets[1]}`;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

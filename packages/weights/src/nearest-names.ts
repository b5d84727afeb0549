/** Names and characters that are compared; more would take long and say little. */
const MAX_NAMES = 10_000;
const MAX_LENGTH = 256;

/** The names most like `name`, best first. */
export function nearestNames(options: {
  name: string;
  names: readonly string[];
  /** At most so many. Default 3. */
  limit?: number;
}): string[] {
  const { name, names, limit = 3 } = options;
  return names
    .slice(0, MAX_NAMES)
    .filter((candidate) => candidate.length <= MAX_LENGTH)
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

/** Insertions, deletions and replacements from `a` to `b` (Levenshtein, 1966). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(previous, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, at(previous, j) + 1, at(current, j - 1) + 1));
    }
    previous = current;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] as number;
}

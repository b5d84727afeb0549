/** What {@link similarNames} looks for, and among what. */
export interface SimilarNamesOptions {
  readonly name: string;
  readonly names: readonly string[];
  /** At most so many. Default 5. */
  readonly limit?: number;
}

/**
 * The names that share most pairs of letters with `name` (Dice, 1945), best first. A part finds its whole: `fruit`
 * finds `food-fruit`.
 */
export function similarNames({ name, names, limit = 5 }: SimilarNamesOptions): string[] {
  const wanted = pairsOf(name);
  return names
    .map((candidate) => ({ candidate, score: similarity(wanted, pairsOf(candidate)) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

function similarity(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = [...a].filter((pair) => b.has(pair)).length;
  return (2 * shared) / (a.size + b.size);
}

function pairsOf(name: string): Set<string> {
  const letters = name.toLowerCase();
  return new Set(Array.from({ length: letters.length - 1 }, (_, i) => letters.slice(i, i + 2)));
}

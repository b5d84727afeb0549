/** A score for people: at most three decimals, none that say nothing. */
export function roundedScore(score: number): string {
  return String(Number(score.toFixed(3)));
}

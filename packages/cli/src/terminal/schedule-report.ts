import type { BackboneSpec, CacheSchedule } from '@harmonica/core';
import { type CacheRecord, cacheRecord } from '@harmonica/pipeline';
import type { ScheduleDiff } from '@harmonica/router';

interface NamedSchedule {
  readonly name: string;
  readonly schedule: CacheSchedule;
  readonly spec: BackboneSpec;
}

/** What a schedule saves, then a line for each step: its number, how many branches it computes, and which (`1`). */
export function scheduleReport({ name, schedule, spec }: NamedSchedule): string {
  const { predictor, table } = schedule;
  const lines = table.map((row, step) => {
    const computed = String([...row].filter((decision) => decision === '1').length);
    const named = typeof predictor === 'string' ? '' : `  ${predictor[step]}`;
    return `${numbered(step, table.length)}  ${computed.padStart(String(row.length).length)}  ${row}${named}`;
  });
  const one = typeof predictor === 'string' ? `, ${predictor}` : '';
  return `${name}: ${savingsOf({ name, schedule, spec })}${one}\n${lines.join('\n')}\n`;
}

/** Size and savings in a line. */
export function savingsOf(input: NamedSchedule): string {
  const { steps, branches } = input.schedule;
  return `${steps} steps, ${branches} branches, ${savedBy(cacheRecord(input))}`;
}

/** What caching saves, such as `CUR 37.5 %, 1.58x by MACs`. */
export function savedBy({
  cacheUtilization,
  theoreticalSpeedUp,
}: Pick<CacheRecord, 'cacheUtilization' | 'theoreticalSpeedUp'>): string {
  return `CUR ${(100 * cacheUtilization).toFixed(1)} %, ${theoreticalSpeedUp.toFixed(2)}x by MACs`;
}

/** A line for each step that differs: `+` for branches that only the second schedule computes, `-` for the others. */
export function diffReport(diff: ScheduleDiff): string {
  const { decisions, computed, predicted, predictors } = diff;
  const steps = [...new Set([...decisions, ...predictors].map(({ step }) => step))].sort(
    (a, b) => a - b,
  );
  const lines = steps.map((step) => {
    const changed = (becomes: 'computed' | 'predicted') =>
      decisions
        .filter((each) => each.step === step && each.becomes === becomes)
        .map(({ branch }) => branch);
    const [more, fewer] = [changed('computed'), changed('predicted')];
    const predictor = predictors.find((each) => each.step === step);
    const parts = [
      ...(more.length > 0 ? [`+ ${rangesOf(more)}`] : []),
      ...(fewer.length > 0 ? [`- ${rangesOf(fewer)}`] : []),
      ...(predictor ? [`${predictor.from} -> ${predictor.to}`] : []),
    ];
    return `step ${step}: ${parts.join('  ')}\n`;
  });
  if (lines.length === 0) return 'the same\n';
  return `${lines.join('')}${computed} more computed, ${predicted} more predicted\n`;
}

/** Ascending numbers as `0-3,7`. */
function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(',');
}

function numbered(step: number, steps: number): string {
  return String(step).padStart(String(steps - 1).length);
}

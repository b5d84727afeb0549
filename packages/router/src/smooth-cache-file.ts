import {
  type Branch,
  type BranchKind,
  type CacheSchedule,
  ConfigError,
  type Decisions,
  InvalidArgumentError,
  type Provenance,
  parseJson,
} from '@harmonica/core';
import { z } from 'zod';
import { createSchedule, scheduleDecisions } from './schedule-table.js';

/** What SmoothCache calls a model's components, by kind of branch. */
export type ComponentNames = { readonly [Kind in BranchKind]: string };

/** Names in the official DiT code. */
export const DIT_COMPONENTS: ComponentNames = {
  attention: 'attn',
  'cross-attention': 'cross_attn',
  mlp: 'mlp',
};

/** Names in diffusers' `BasicTransformerBlock`. */
export const DIFFUSERS_COMPONENTS: ComponentNames = {
  attention: 'attn1',
  'cross-attention': 'attn2',
  mlp: 'ff',
};

/** Options of {@link parseSmoothCacheSchedule}. */
export interface ParseSmoothCacheOptions {
  readonly text: string;
  /** File name or what the text is, for messages. Default `SmoothCache schedule`. */
  readonly source?: string;
  /** `spec.branches` of the backbone. */
  readonly branches: readonly Branch[];
  /** Default {@link DIT_COMPONENTS}. */
  readonly components?: ComponentNames;
  readonly provenance?: Provenance;
}

/**
 * Reads a schedule file of the official SmoothCache code: an object from component (`attn`), or component and block
 * (`attn-3`, which goes before), to a list of 1 (compute) and 0 (reuse), one number a step. Components that it does not
 * name are computed in every step, and so is step 0, as the official code does.
 *
 * @throws {@link ConfigError} if the text is not such a file, lists differ in length, or a key names no branch.
 */
export function parseSmoothCacheSchedule(options: ParseSmoothCacheOptions): CacheSchedule {
  const { text, source = 'SmoothCache schedule', branches, components = DIT_COMPONENTS } = options;
  const flag = z.union([z.literal(0), z.literal(1)]);
  const lists = parseJson({ source, text, schema: z.record(z.string(), z.array(flag).min(1)) });
  assertKeys({ source, lists, branches, components });
  const columns = branches.map(
    (branch) => lists[blockKey(branch, components)] ?? lists[components[branch.kind]],
  );
  const steps = Object.values(lists)[0]?.length ?? 0;
  const decisions = Array.from({ length: steps }, (_, step) =>
    columns.map((column) => step === 0 || column?.[step] !== 0),
  );
  return createSchedule({ decisions, provenance: options.provenance });
}

/**
 * Writes a schedule as the official SmoothCache code reads it, one line a component; components whose blocks are decided
 * differently have a line for each block. It reuses the last computed output, so only `hold` can be written.
 *
 * @throws {@link InvalidArgumentError} if the schedule has another predictor or another number of branches.
 */
export function formatSmoothCacheSchedule(options: {
  readonly schedule: CacheSchedule;
  /** `spec.branches` of the backbone. */
  readonly branches: readonly Branch[];
  /** Default {@link DIT_COMPONENTS}. */
  readonly components?: ComponentNames;
}): string {
  const { schedule, branches, components = DIT_COMPONENTS } = options;
  assertWritable(schedule, branches);
  const decisions = scheduleDecisions(schedule);
  const columnOf = ({ index }: Branch) => listOf(decisions, index);
  const kinds = [...new Set(branches.map(({ kind }) => kind))];
  const lines = kinds.flatMap((kind) => {
    const members = branches.filter((branch) => branch.kind === kind);
    const [first, ...others] = [...new Set(members.map(columnOf))];
    if (others.length === 0) return [`"${components[kind]}": ${first}`];
    return members.map((branch) => `"${blockKey(branch, components)}": ${columnOf(branch)}`);
  });
  return `{\n${lines.map((line) => `    ${line}`).join(',\n')}\n}\n`;
}

function blockKey({ kind, block }: Branch, components: ComponentNames): string {
  return `${components[kind]}-${block}`;
}

function listOf(decisions: readonly Decisions[], branch: number): string {
  return `[${decisions.map((row) => (row[branch] ? 1 : 0)).join(',')}]`;
}

function assertKeys(options: {
  readonly source: string;
  readonly lists: Readonly<Record<string, readonly number[]>>;
  readonly branches: readonly Branch[];
  readonly components: ComponentNames;
}): void {
  const { source, lists, branches, components } = options;
  const known = new Set(
    branches.flatMap((branch) => [components[branch.kind], blockKey(branch, components)]),
  );
  const entries = Object.entries(lists);
  const steps = entries[0]?.[1].length;
  const issues = entries.flatMap(([path, list]) => [
    ...(known.has(path) ? [] : [{ path, message: 'names no branch of the model' }]),
    ...(list.length === steps ? [] : [{ path, message: `has ${list.length} of ${steps} steps` }]),
  ]);
  if (entries.length === 0) issues.push({ path: '', message: 'expected at least one component' });
  if (issues.length > 0) throw new ConfigError({ source, issues });
}

function assertWritable(schedule: CacheSchedule, branches: readonly Branch[]): void {
  if ([schedule.predictor].flat().some((name) => name !== 'hold')) {
    throw new InvalidArgumentError({
      argument: 'schedule.predictor',
      value: schedule.predictor,
      expected: 'hold, the only one that SmoothCache has',
    });
  }
  if (schedule.branches !== branches.length) {
    throw new InvalidArgumentError({
      argument: 'branches',
      value: branches.length,
      expected: `the ${schedule.branches} branches of the schedule`,
    });
  }
}

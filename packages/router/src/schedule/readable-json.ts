import {
  type CacheSchedule,
  ConfigError,
  type Provenance,
  parseCacheSchedule,
  parseJson,
  parseRouterFile,
  type RouterFile,
} from '@harmonica/core';
import { z } from 'zod';
import { predictorNames } from '../predictors.js';

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
function block(options: {
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

const LOGIT_DECIMALS = 6;

/**
 * A router as JSON for people and version control: keys in one order, one line for each step, logits with six decimals.
 * Formatting what was parsed from it gives the same text again. Ends with a line break.
 */
export function formatRouter(router: RouterFile): string {
  const { version, kind, steps, branches, predictor, threshold, logits, provenance } = router;
  return formatDocument({
    fields: { version, kind, steps, branches, predictor, threshold },
    table: { key: 'logits', rows: logits.map((row) => `[${row.map(formatLogit).join(', ')}]`) },
    provenance,
  });
}

/**
 * A schedule as JSON for people and version control: keys in one order, one line for each step. Ends with a line break.
 */
export function formatSchedule(schedule: CacheSchedule): string {
  const { version, kind, steps, branches, predictor, table, provenance } = schedule;
  return formatDocument({
    fields: { version, kind, steps, branches, predictor },
    table: { key: 'table', rows: table.map((row) => JSON.stringify(row)) },
    provenance,
  });
}

/** Right-aligned, so that columns of logits line up; never `-0`. */
function formatLogit(logit: number): string {
  const text = logit.toFixed(LOGIT_DECIMALS);
  const unsigned = Number(text) === 0 ? text.replace('-', '') : text;
  return unsigned.padStart('-5.'.length + LOGIT_DECIMALS);
}

function formatDocument(options: {
  readonly fields: Readonly<Record<string, string | number | readonly string[]>>;
  readonly table: { readonly key: string; readonly rows: readonly string[] };
  readonly provenance: Provenance | undefined;
}): string {
  const { fields, table, provenance } = options;
  const lines = [
    ...Object.entries(fields).map(([key, value]) => `"${key}": ${readableJson(value)}`),
    `"${table.key}": ${block({ brackets: '[]', lines: table.rows, indent: 2 })}`,
    ...(provenance ? [`"provenance": ${readableJson(ordered(provenance), 2)}`] : []),
  ];
  return `${block({ brackets: '{}', lines, indent: 0 })}\n`;
}

function ordered({ model, sampler, guidance, latent, training }: Provenance): Provenance {
  return {
    model: { name: model.name, sha256: model.sha256 },
    sampler: { name: sampler.name, steps: sampler.steps, planSha256: sampler.planSha256 },
    guidance: { scale: guidance.scale, channels: guidance.channels },
    latent: { height: latent.height, width: latent.width, channels: latent.channels },
    ...(training && { training }),
  };
}

/**
 * Reads a document that is either a router or a cache schedule, told apart by its `kind`.
 *
 * @param source file name or what the text is, for messages.
 * @throws {@link ConfigError} with every issue and its path.
 */
export function parseCacheDocument(text: string, source = 'router'): RouterFile | CacheSchedule {
  const schema = z.object({ kind: z.enum(['router', 'cache-schedule']) });
  const { kind } = parseJson({ source, text, schema });
  const document =
    kind === 'router' ? parseRouterFile(text, source) : parseCacheSchedule(text, source);
  const unknown = [document.predictor].flat().find((name) => !predictorNames().includes(name));
  if (unknown === undefined) return document;
  const message = `got ${unknown}; expected one of ${predictorNames().join(', ')}`;
  throw new ConfigError({ source, issues: [{ path: 'predictor', message }] });
}

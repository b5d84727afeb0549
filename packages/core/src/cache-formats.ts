import { z } from 'zod';
import { parseJson } from './parse-json.js';

/** What a router or schedule was made for and how. */
export interface Provenance {
  readonly model: { readonly name: string; readonly sha256: string };
  readonly sampler: { readonly name: string; readonly steps: number; readonly planSha256: string };
  readonly guidance: { readonly scale: number; readonly channels: number };
  readonly latent: { readonly height: number; readonly width: number; readonly channels: number };
  /** Settings and results of training, free in form. */
  readonly training?: Readonly<Record<string, unknown>>;
}

/**
 * The name of one predictor for all steps, or of one for each step (the name at step t predicts the branches of step t).
 * Which names there are is for who runs it to say: `predictorNames` of `@harmonica/router`.
 */
export type PredictorChoice = string | readonly string[];

/**
 * A cache schedule: for each step (row 0 is the first, noisiest one) and branch whether it is computed (`1`) or
 * predicted from the cache (`0`). Row 0 is all `1`.
 */
export interface CacheSchedule {
  readonly version: 1;
  readonly kind: 'cache-schedule';
  readonly steps: number;
  readonly branches: number;
  readonly predictor: PredictorChoice;
  /** One string of `branches` characters for each step. */
  readonly table: readonly string[];
  readonly provenance?: Provenance | undefined;
}

/** A trained router: a logit per step and branch; a branch is computed if sigmoid(logit) > threshold. */
export interface RouterFile {
  readonly version: 1;
  readonly kind: 'router';
  readonly steps: number;
  readonly branches: number;
  readonly predictor: PredictorChoice;
  /** In (0, 1). The paper uses 0.1. */
  readonly threshold: number;
  /** `[steps][branches]`, row 0 is the first executed step. */
  readonly logits: readonly (readonly number[])[];
  readonly provenance: Provenance;
}

/** Parses a schedule document. @throws {@link ConfigError} */
export function parseCacheSchedule(text: string, source = 'cache schedule'): CacheSchedule {
  return parseJson({ source, text, schema: cacheScheduleSchema() });
}

/** Parses a router document. @throws {@link ConfigError} */
export function parseRouterFile(text: string, source = 'router'): RouterFile {
  return parseJson({ source, text, schema: routerFileSchema() });
}

const count = () => z.number().int().positive();
const sha256 = () => z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');
const predictorName = () => z.string().min(1);
const predictor = () => z.union([predictorName(), z.array(predictorName())]);

/** What is wrong with a choice of predictors for so many steps, if anything. */
function predictorFault(choice: PredictorChoice, steps: number): string | undefined {
  if (typeof choice === 'string' || choice.length === steps) return undefined;
  return `expected one name or ${steps} of them, got ${choice.length}`;
}

/** The schema of a {@link Provenance}, for other documents that have one. */
export function provenanceSchema(): z.ZodType<Provenance> {
  return z.object({
    model: z.object({ name: z.string(), sha256: sha256() }),
    sampler: z.object({ name: z.string(), steps: count(), planSha256: sha256() }),
    guidance: z.object({ scale: z.number(), channels: count() }),
    latent: z.object({ height: count(), width: count(), channels: count() }),
    training: z.record(z.string(), z.unknown()).optional(),
  }) as unknown as z.ZodType<Provenance>;
}

function cacheScheduleSchema() {
  return z
    .object({
      version: z.literal(1),
      kind: z.literal('cache-schedule'),
      steps: count(),
      branches: count(),
      predictor: predictor(),
      table: z.array(z.string().regex(/^[01]+$/, 'expected a string of 0 and 1')),
      provenance: provenanceSchema().optional(),
    })
    .superRefine(({ steps, branches, predictor: choice, table }, context) => {
      const fault = (path: (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path, message });
      const wrong = predictorFault(choice, steps);
      if (wrong) fault(['predictor'], wrong);
      if (table.length !== steps) fault(['table'], `expected ${steps} rows, got ${table.length}`);
      table.forEach((row, i) => {
        if (row.length !== branches) {
          fault(['table', i], `expected ${branches} characters, got ${row.length}`);
        }
      });
      if (table[0]?.includes('0')) fault(['table', 0], 'step 0 must compute every branch');
    });
}

function routerFileSchema() {
  return z
    .object({
      version: z.literal(1),
      kind: z.literal('router'),
      steps: count(),
      branches: count(),
      predictor: predictor(),
      threshold: z.number().gt(0).lt(1),
      logits: z.array(z.array(z.number())),
      provenance: provenanceSchema(),
    })
    .superRefine(({ steps, branches, predictor: choice, logits }, context) => {
      const fault = (path: (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path, message });
      const wrong = predictorFault(choice, steps);
      if (wrong) fault(['predictor'], wrong);
      if (logits.length !== steps)
        fault(['logits'], `expected ${steps} rows, got ${logits.length}`);
      logits.forEach((row, i) => {
        if (row.length !== branches) {
          fault(['logits', i], `expected ${branches} numbers, got ${row.length}`);
        }
      });
    });
}

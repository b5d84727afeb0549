import { createHash } from 'node:crypto';
import { ConfigError, fingerprint, planFingerprint, type SamplerPlan } from '@harmonica/core';
import {
  type EngineRecord,
  type ImageJob,
  type Pipeline,
  type RunSetting,
  readCacheText,
  resolveGuidance,
} from '@harmonica/pipeline';
import { type PolicySpec, parsePolicySpec, policyFrom, type ReadyPolicy } from '@harmonica/router';
import {
  createPlan,
  readSetting,
  type SamplerOptions,
  type SettingName,
} from '@harmonica/samplers';
import type { EvalConfig, PlanConfig, RowConfig } from './config.js';
import type { EvalRow, PolicyFile } from './row.js';

/** What all rows of an evaluation share. */
export interface EvalContext {
  readonly pipeline: Pipeline;
  readonly engine: EngineRecord;
  readonly guidance: RunSetting['guidance'];
  readonly jobs: readonly ImageJob[];
  readonly batchSize: number;
}

/** Options of {@link evalContext}. */
export interface EvalContextOptions extends Pick<EvalContext, 'pipeline' | 'engine' | 'jobs'> {
  readonly config: Pick<EvalConfig, 'guidance' | 'guidedChannels' | 'batch'>;
}

/** What an evaluation has in common, of its configuration and a loaded model. */
export function evalContext(options: EvalContextOptions): EvalContext {
  const { config, pipeline, engine, jobs } = options;
  const { backbone, defaultGuidance: fallback } = pipeline.model;
  const latentChannels = backbone.spec.latent.channels;
  const guidance = resolveGuidance({ options: config, fallback, latentChannels });
  return { pipeline, engine, guidance, jobs, batchSize: config.batch };
}

/** An uncached run: of a group, the one that its rows are held against. */
export function uncachedRow(context: EvalContext, run: PlanConfig): Promise<EvalRow> {
  return resolveRow(context, { group: run, row: {} });
}

/**
 * A row without a knob, in a group by itself.
 *
 * @throws as `createPlan` and `policyFrom`
 */
export async function resolveRow(
  context: EvalContext,
  { group, row }: { readonly group: PlanConfig; readonly row: RowConfig },
): Promise<EvalRow> {
  const { pipeline, guidance, jobs, batchSize } = context;
  const { model, backend, executor } = pipeline;
  const sampler = planOptions(group, row);
  const plan = createPlan({ ...sampler, process: model.process });
  const texts: string[] = [];
  const policyFiles: PolicyFile[] = [];
  const policy = await policyFrom(policySpecOf(row), {
    spec: executor.spec,
    plan,
    modelSha256: model.sha256,
    guidance,
    async read(file) {
      const text = await readCacheText(file);
      texts.push(text);
      policyFiles.push({ file, sha256: createHash('sha256').update(text).digest('hex') });
      return text;
    },
  });
  const key = keyOf({
    model: model.sha256,
    architecture: model.architectureSha256,
    prompts: model.conditions.sha256,
    engine: backend.name,
    plan: planFingerprint(plan),
    policy: policyKey(policy, texts),
    guidance: guidance ?? null,
    jobs,
    batchSize,
  });
  const imagesKey = keyOf({ latents: key, decoder: model.decoder });
  const { name = defaultName(plan, policy), method = defaultMethod(plan, policy) } = row;
  return { group: name, name, method, plan, policy, policyFiles, key, imagesKey };
}

/** A name for files of what depends on this; what is undefined is left out. */
function keyOf(inputs: Readonly<Record<string, unknown>>): string {
  return fingerprint(inputs).slice(0, 16);
}

/** A row's policy, of text or an object. */
export function policySpecOf({ policy = 'none' }: Pick<RowConfig, 'policy'>): PolicySpec {
  return parsePolicySpec(policy as string | PolicySpec);
}

/** The row that a knob makes at a value. */
export function rowAt(row: RowConfig, value: number): RowConfig {
  const { knob, ...rest } = row;
  if (!knob) return row;
  const { setting } = knob;
  if (setting === 'steps') return { ...rest, steps: value };
  const { policy = 'none' } = row;
  if (typeof policy === 'object') return { ...rest, policy: { ...policy, [setting]: value } };
  const key = setting.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return { ...rest, policy: `${policy}${policy.includes(':') ? ',' : ':'}${key}=${value}` };
}

function planOptions(group: PlanConfig, row: PlanConfig): SamplerOptions {
  const own = row.sampler !== undefined && row.sampler !== group.sampler;
  const sampler = row.sampler ?? group.sampler;
  const steps = row.steps ?? group.steps;
  const settings = { ...(own ? {} : group.settings), ...row.settings };
  return {
    ...parsedSettings(settings),
    ...(sampler && { sampler }),
    ...(steps !== undefined && { steps: String(steps) }),
  };
}

/** Settings as options of the command have them. @throws {@link ConfigError} */
function parsedSettings(settings: Readonly<Record<string, string | number>>): SamplerOptions {
  const entries = Object.entries(settings).map(([name, value]) => {
    try {
      return [name, readSetting(name as SettingName, value)] as const;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      const issues = [{ path: name, message }];
      throw new ConfigError({ source: 'sampler settings', issues, cause });
    }
  });
  return Object.fromEntries(entries) as SamplerOptions;
}

/** What a policy decides, whatever it is called: its schedule, or its settings and the files that they name. */
function policyKey(policy: ReadyPolicy, texts: readonly string[]): unknown {
  switch (policy.kind) {
    case 'none':
      return null;
    case 'schedule': {
      const { table, predictor } = policy.schedule;
      return { table, predictor };
    }
    case 'dynamic':
      return { name: policy.name, texts };
  }
}

function defaultName(plan: SamplerPlan, policy: ReadyPolicy): string {
  return policy.kind === 'none' ? `${plan.sampler} ${plan.steps.length}` : policy.name;
}

function defaultMethod(plan: SamplerPlan, policy: ReadyPolicy): string {
  return policy.kind === 'none' ? `${plan.sampler}, fewer steps` : policy.method;
}

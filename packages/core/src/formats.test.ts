import { describe, expect, it } from 'vitest';
import { parseCacheSchedule, parseRouterFile } from './cache-formats.js';
import { ConfigError } from './errors.js';
import {
  fingerprint,
  parseSamplerPlan,
  planFingerprint,
  type SamplerPlan,
} from './sampler-plan.js';

const provenance = {
  model: { name: 'tiny', sha256: 'a'.repeat(64) },
  sampler: { name: 'ddim', steps: 2, planSha256: 'b'.repeat(64) },
  guidance: { scale: 2, channels: 3 },
  latent: { height: 4, width: 4, channels: 4 },
};
const schedule = {
  version: 1,
  kind: 'cache-schedule',
  steps: 2,
  branches: 3,
  predictor: 'linear',
  table: ['111', '010'],
};
const router = {
  version: 1,
  kind: 'router',
  steps: 2,
  branches: 3,
  predictor: 'hold',
  threshold: 0.1,
  logits: [
    [5, 5, 5],
    [1, -1, 0],
  ],
  provenance,
};
const plan: SamplerPlan = {
  version: 1,
  sampler: 'ddim',
  prediction: 'epsilon',
  settings: { eta: 0 },
  initialStd: 1,
  steps: [
    {
      timestep: 999,
      toPrediction: { x: 1, model: -1 },
      carry: 0.5,
      history: [0.5],
      noise: { kind: 'fixed', std: 0 },
    },
  ],
};

const issuesOf = (parse: () => unknown): readonly { path: string }[] => {
  try {
    parse();
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
  return [];
};

describe('file formats', () => {
  it('read what was written', () => {
    expect(parseCacheSchedule(JSON.stringify(schedule))).toEqual(schedule);
    expect(parseRouterFile(JSON.stringify(router))).toEqual(router);
    const perStep = { ...router, predictor: ['hold', 'quadratic'] };
    expect(parseRouterFile(JSON.stringify(perStep))).toEqual(perStep);
    const taylor = { ...schedule, predictor: 'taylor-4' };
    expect(parseCacheSchedule(JSON.stringify(taylor))).toEqual(taylor);
    expect(parseSamplerPlan(JSON.stringify(plan))).toEqual(plan);
    expect(parseSamplerPlan(JSON.stringify({ ...plan, process: 'flow' }))).toHaveProperty(
      'process',
      'flow',
    );
    const [first] = plan.steps;
    const second = {
      ...first,
      noise: { kind: 'fixed', std: 0.5, earlier: [-0.25] },
      threshold: { ratio: 0.995, max: 1.5 },
    };
    const longer = { ...plan, steps: [first, second] };
    expect(parseSamplerPlan(JSON.stringify(longer))).toEqual(longer);
  });

  it.each([
    [{ threshold: { ratio: 0, max: 1 } }, 'steps.0.threshold.ratio'],
    [{ threshold: { ratio: 0.9, max: 0.5 } }, 'steps.0.threshold.max'],
    [{ threshold: { ratio: 0.9, max: 1 }, clip: { min: -1, max: 1 } }, 'steps.0.threshold'],
    [{ noise: { kind: 'fixed', std: 0, earlier: [] } }, 'steps.0.noise.earlier'],
    [{ history: [] }, 'steps.0.history'],
  ])('name the faulty place of a plan', (fields, path) => {
    const document = { ...plan, steps: [{ ...plan.steps[0], ...fields }] };
    const issues = issuesOf(() => parseSamplerPlan(JSON.stringify(document)));
    expect(issues.map((issue) => issue.path)).toContain(path);
  });

  it.each([
    [{ ...schedule, table: ['111'] }, 'table'],
    [{ ...schedule, table: ['111', '01'] }, 'table.1'],
    [{ ...schedule, table: ['110', '010'] }, 'table.0'],
    [{ ...schedule, predictor: '' }, 'predictor'],
    [{ ...schedule, predictor: [1, 2] }, 'predictor'],
    [{ ...schedule, predictor: ['hold'] }, 'predictor'],
    [{ ...schedule, version: 2 }, 'version'],
  ])('name the faulty place of a schedule', (document, path) => {
    const issues = issuesOf(() => parseCacheSchedule(JSON.stringify(document)));
    expect(issues.map((issue) => issue.path)).toContain(path);
  });

  it.each([
    [{ ...router, logits: [[5, 5, 5]] }, 'logits'],
    [{ ...router, logits: [[5, 5, 5], [1]] }, 'logits.1'],
    [{ ...router, threshold: 1 }, 'threshold'],
    [{ ...router, provenance: undefined }, 'provenance'],
  ])('name the faulty place of a router', (document, path) => {
    const issues = issuesOf(() => parseRouterFile(JSON.stringify(document)));
    expect(issues.map((issue) => issue.path)).toContain(path);
  });

  it('say where broken JSON came from', () => {
    expect(() => parseSamplerPlan('{"version": 1', 'my.json')).toThrowError(
      /my\.json is not valid/,
    );
  });
});

describe('fingerprints', () => {
  it('do not depend on the order of keys', () => {
    expect(fingerprint({ a: 1, b: { c: 2, d: 3 } })).toBe(fingerprint({ b: { d: 3, c: 2 }, a: 1 }));
  });

  it('are SHA-256 of the canonical JSON', () => {
    // printf '{"a":1}' | sha256sum
    expect(fingerprint({ a: 1 })).toBe(
      '015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862',
    );
  });

  it('tell plans apart by what they compute, not by how they were asked for', () => {
    expect(planFingerprint({ ...plan, settings: {} })).toBe(planFingerprint(plan));
    expect(planFingerprint({ ...plan, initialStd: 2 })).not.toBe(planFingerprint(plan));
  });

  it('stay what they were: routers on disk name them', () => {
    expect(planFingerprint(plan)).toBe(
      '59cf2857c139954fe1881389122b44e2bd8366d8f39df6584182225f33aad4f2',
    );
  });
});

import { z } from 'zod';
import { parseJson } from './parse-json.js';
import type { SamplerPlan } from './sampler-plan.js';

/** Parses a sampler plan document. @throws {@link ConfigError} */
export function parseSamplerPlan(text: string, source = 'sampler plan'): SamplerPlan {
  return parseJson({ source, text, schema: samplerPlanSchema() }) as SamplerPlan;
}

function samplerPlanSchema() {
  const noise = z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('fixed'),
      std: z.number().nonnegative(),
      earlier: z.array(z.number()).min(1).optional(),
    }),
    z.object({
      kind: z.literal('learned-range'),
      minLogVariance: z.number(),
      maxLogVariance: z.number(),
      scale: z.number().nonnegative(),
    }),
  ]);
  const step = z.object({
    timestep: z.number(),
    toPrediction: z.object({ x: z.number(), model: z.number() }),
    clip: z.object({ min: z.number(), max: z.number() }).optional(),
    threshold: z.object({ ratio: z.number().gt(0).max(1), max: z.number().min(1) }).optional(),
    carry: z.number(),
    history: z.array(z.number()).min(1),
    noise,
  });
  const limited = step.refine(({ clip, threshold }) => !(clip && threshold), {
    path: ['threshold'],
    message: 'not together with clip',
  });
  return z.object({
    version: z.literal(1),
    sampler: z.string().min(1),
    prediction: z.enum(['epsilon', 'sample', 'velocity']),
    process: z.enum(['diffusion', 'flow', 'sit']).optional(),
    settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    initialStd: z.number().positive(),
    steps: z.array(limited).min(1),
  });
}

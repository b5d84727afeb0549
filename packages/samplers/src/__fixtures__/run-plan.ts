import type { SamplerPlan } from '@harmonica/core';

type Vector = readonly number[];

/** A sampler plan in float64 on a vector: the latent after every step. `noise` holds one vector per step. */
export function runPlan(options: {
  plan: SamplerPlan;
  latent: Vector;
  model: (x: Vector, timestep: number) => Vector;
  noise?: readonly Vector[];
}): Vector[] {
  const { plan, model, noise } = options;
  const predictions: Vector[] = [];
  let x = options.latent;
  return plan.steps.map(({ timestep, toPrediction, clip, carry, history, noise: added }, n) => {
    const m = model(x, timestep) as number[];
    const raw = x.map((value, i) => toPrediction.x * value + toPrediction.model * m[i]!);
    predictions.unshift(clip ? raw.map((p) => Math.min(clip.max, Math.max(clip.min, p))) : raw);
    x = x.map((value, i) => {
      const mean = history.reduce((sum, h, j) => sum + h * predictions[j]![i]!, carry * value);
      if (added.kind === 'fixed') return mean + added.std * (noise?.[n]?.[i] ?? 0);
      const share = (m[x.length + i]! + 1) / 2;
      const logVariance = share * added.maxLogVariance + (1 - share) * added.minLogVariance;
      return mean + added.scale * Math.exp(logVariance / 2) * (noise?.[n]?.[i] ?? 0);
    });
    return x;
  });
}

import type { PlanStep, SamplerPlan } from '@harmonica/core';

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
  return plan.steps.map((step, n) => {
    const { timestep, toPrediction, carry, history, noise: added } = step;
    const m = model(x, timestep) as number[];
    const raw = x.map((value, i) => toPrediction.x * value + toPrediction.model * m[i]!);
    predictions.unshift(limit(step, raw));
    x = x.map((value, i) => {
      const mean = history.reduce((sum, h, j) => sum + h * predictions[j]![i]!, carry * value);
      const draw = (index: number) => noise?.[index]?.[i] ?? 0;
      if (added.kind === 'fixed') {
        const earlier = added.earlier ?? [];
        return earlier.reduce((sum, e, j) => sum + e * draw(n - 1 - j), mean + added.std * draw(n));
      }
      const share = (m[x.length + i]! + 1) / 2;
      const logVariance = share * added.maxLogVariance + (1 - share) * added.minLogVariance;
      return mean + added.scale * Math.exp(logVariance / 2) * draw(n);
    });
    return x;
  });
}

function limit({ clip, threshold }: PlanStep, prediction: Vector): Vector {
  if (clip) return prediction.map((p) => Math.min(clip.max, Math.max(clip.min, p)));
  if (!threshold) return prediction;
  const sorted = prediction.map(Math.abs).sort((a, b) => a - b);
  const place = threshold.ratio * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  const quantile = low + (place - Math.floor(place)) * (high - low);
  const bound = Math.min(threshold.max, Math.max(1, quantile));
  return prediction.map((p) => Math.min(bound, Math.max(-bound, p)) / bound);
}

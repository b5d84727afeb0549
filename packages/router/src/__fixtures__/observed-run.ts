import { type CacheMethod, type Executor, generate, type SamplerPlan } from '@harmonica/core';
import * as tf from '@tensorflow/tfjs-core';

/** Euler steps from time 10 (T - 1) to 0. */
export function eulerPlan(steps: number): SamplerPlan {
  return {
    version: 1,
    sampler: 'euler',
    prediction: 'epsilon',
    settings: {},
    initialStd: 1,
    steps: Array.from({ length: steps }, (_, step) => ({
      timestep: 10 * (steps - 1 - step),
      toPrediction: { x: 0, model: 1 },
      carry: 1,
      history: [-0.02],
      noise: { kind: 'fixed', std: 0 },
    })),
  };
}

/** Guided samples of the tiny backbone; the final latents, and what was decided. */
export async function sampleTiny(options: {
  readonly executor: Executor;
  readonly plan: SamplerPlan;
  readonly cache?: CacheMethod;
  readonly seeds?: readonly number[];
}) {
  const { executor, plan, cache, seeds = [1] } = options;
  const labels = tf.tensor1d(
    seeds.map((seed) => seed % 3),
    'int32',
  );
  try {
    const { latent, decisions } = await generate({
      plan,
      executor,
      condition: { labels },
      seeds,
      guidance: { scale: 2, channels: 4 },
      ...(cache && { cache }),
    });
    const values = await latent.data();
    latent.dispose();
    return { values, decisions };
  } finally {
    labels.dispose();
  }
}

/** An executor that keeps a copy of every branch output that it hands out, `[calls][branch]`, as plain numbers. */
export function spyOnOutputs(executor: Executor): {
  readonly executor: Executor;
  readonly steps: readonly (readonly Float32Array[])[];
} {
  const steps: Float32Array[][] = [];
  return {
    steps,
    executor: {
      ...executor,
      get liveHandles() {
        return executor.liveHandles;
      },
      async advance(stream, actions) {
        const all = actions.map((action) => ({ ...action, keep: true }));
        const result = await executor.advance(stream, all);
        const row: Float32Array[] = [];
        for (const output of result.outputs) {
          if (!output) continue;
          const copy = await executor.read(output);
          row.push((await copy.data()) as Float32Array);
          copy.dispose();
        }
        steps.push(row);
        const outputs = result.outputs.map((output, i) => {
          if (actions[i]?.keep) return output;
          if (output) executor.release(output);
          return undefined;
        });
        return { stream: result.stream, outputs };
      },
    },
  };
}

import { describe, expect, it } from 'vitest';
import { expectClose } from './expect-close.js';
import { loadGoldenManifest } from './golden-manifest.js';
import { entryOf, type GoldenTensor } from './golden-tensor.js';
import { type Golden, loadGolden } from './load-golden.js';

// The goldens, held to the formulas that they are examples of. float32 results are recomputed in float64 from float32
// inputs, so they agree to a few float32 roundings.

const rounding = { relative: 2e-6 };
const manifest = loadGoldenManifest();

/** alphaBar of the kept times of the linear 1000-step schedule, noisiest first, and 1 at the end. */
function alphaBars(timesteps: ArrayLike<number>): number[] {
  const all: number[] = [];
  for (let t = 0; t < 1000; t++) {
    all.push((all[t - 1] ?? 1) * (1 - (1e-4 + (t * (2e-2 - 1e-4)) / 999)));
  }
  return [...Array.from(timesteps, (t) => all[t] as number), 1];
}

/** The first `channels` of `[B, 8, H, W]`, or the rest. */
function splitChannels(output: GoldenTensor, channels: number) {
  const [batch = 0, all = 0, height = 0, width = 0] = output.shape;
  const pixels = height * width;
  const pick = (from: number, to: number) =>
    Array.from({ length: batch }, (_, n) => [
      ...output.data.subarray((n * all + from) * pixels, (n * all + to) * pixels),
    ]).flat();
  return { first: pick(0, channels), rest: pick(channels, all) };
}

/** DDIM with eta 0 (2020, Eq. 12): x' = sqrt(b') x0 + sqrt(1 - b') eps. */
function ddimStep(options: {
  x: GoldenTensor;
  output: GoldenTensor;
  bars: readonly number[];
  step: number;
}) {
  const { x, output, bars, step } = options;
  const [bar, next] = [bars[step] as number, bars[step + 1] as number];
  const { first: noise } = splitChannels(output, 4);
  return Array.from(x.data, (value, i) => {
    const eps = noise[i] as number;
    const clean = (value - Math.sqrt(1 - bar) * eps) / Math.sqrt(bar);
    return Math.sqrt(next) * clean + Math.sqrt(1 - next) * eps;
  });
}

/** DDPM with learned-range variance (Improved DDPM, 2021, Eq. 15). */
function iddpmStep(options: {
  x: GoldenTensor;
  output: GoldenTensor;
  noise: GoldenTensor;
  bars: readonly number[];
  step: number;
}) {
  const { x, output, noise, bars, step } = options;
  const last = bars.length - 2;
  const [bar, next] = [bars[step] as number, bars[step + 1] as number];
  const beta = 1 - bar / next;
  const logVariance = { max: Math.log(beta), min: minLogVariance(bars, Math.min(step, last - 1)) };
  const { first, rest } = splitChannels(output, 4);
  return Array.from(x.data, (value, i) => {
    const clean = (value - Math.sqrt(1 - bar) * (first[i] as number)) / Math.sqrt(bar);
    const mean =
      (Math.sqrt(next) * beta * clean + Math.sqrt(bar / next) * (1 - next) * value) / (1 - bar);
    const fraction = ((rest[i] as number) + 1) / 2;
    const deviation = Math.exp(
      0.5 * (fraction * logVariance.max + (1 - fraction) * logVariance.min),
    );
    return mean + (step === last ? 0 : deviation * (noise.data[i] as number));
  });
}

/** Log of the posterior variance; the last step, whose variance is 0, takes that of the step before. */
function minLogVariance(bars: readonly number[], step: number): number {
  const [bar, next] = [bars[step] as number, bars[step + 1] as number];
  return Math.log(((1 - bar / next) * (1 - next)) / (1 - bar));
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('forward', () => {
  const golden = loadGolden('forward');

  it('guides the first three channels and leaves the rest', () => {
    const guidance = 1.5;
    for (const i of golden.i32('times').data.keys()) {
      const raw = splitChannels(entryOf(golden.f32('raw'), i), 3);
      const guided = splitChannels(entryOf(golden.f32('guided'), i), 3);
      const half = raw.first.length / 2;
      const mixed = range(half).map((k) => {
        const [cond, uncond] = [raw.first[k] as number, raw.first[half + k] as number];
        return uncond + guidance * (cond - uncond);
      });
      expectClose(guided.first, [...mixed, ...mixed], rounding);
      expectClose(guided.rest, raw.rest, { relative: 0 });
    }
  });
});

describe('ddim-20', () => {
  const golden = loadGolden('ddim-20');
  const timesteps = golden.i32('timesteps').data;

  it('respaces 1000 times evenly', () => {
    expect([...timesteps]).toEqual(range(20).map((i) => Math.round((999 * (19 - i)) / 19)));
  });

  it.each(range(20))('makes latent %i + 1 from the output of that step', (step) => {
    const x = entryOf(golden.f32('latents'), step);
    const output = entryOf(golden.f32('modelOutputs'), step);
    const next = ddimStep({ x, output, bars: alphaBars(timesteps), step });
    expectClose(next, entryOf(golden.f32('latents'), step + 1).data, rounding);
  });
});

describe('iddpm-20', () => {
  const golden = loadGolden('iddpm-20');

  it.each(range(20))('makes latent %i + 1 from the output and noise of that step', (step) => {
    const x = entryOf(golden.f32('latents'), step);
    const output = entryOf(golden.f32('modelOutputs'), step);
    const noise = entryOf(golden.f32('noise'), step);
    const bars = alphaBars(golden.i32('timesteps').data);
    const next = iddpmStep({ x, output, noise, bars, step });
    expectClose(next, entryOf(golden.f32('latents'), step + 1).data, rounding);
  });
});

describe.each(['sdt-l1-7e-8', 'sdt-l1-1e-4'])('%s', (name) => {
  const golden = loadGolden(name);
  const settings = manifest.goldens[name]?.settings as { l1: number; learningRate: number };
  const iterations = range(18).map((k) => ({
    k,
    trajectory: Math.floor(k / 9),
    row: k % 9,
    step: (k % 9) + 1,
  }));
  const at = (tensor: string, trajectory: number, row: number) =>
    entryOf(golden.f64(tensor), trajectory, row).data;

  it('loses lambda times the data loss plus l1 times the sum of scores', () => {
    for (const { k, trajectory, row, step } of iterations) {
      const scores = [...entryOf(golden.f64('logits'), k, step).data].map(sigmoid);
      const scoreSum = scores.reduce((sum, score) => sum + score, 0);
      const lambda = golden.f32('lambda').data[row] as number;
      const [dataLoss = Number.NaN] = at('dataLoss', trajectory, row);
      expectClose(at('scoreSum', trajectory, row), [scoreSum], { relative: 1e-12 });
      const loss = lambda * dataLoss + settings.l1 * scoreSum;
      expectClose(at('loss', trajectory, row), [loss], { relative: 1e-7 });
    }
  });

  it('takes as data loss the mean squared difference over all channels and both halves', () => {
    const trajectories = golden.f32('teacher').shape[0] ?? 0;
    for (const { trajectory, row } of iterations.slice(0, 9 * trajectories)) {
      const student = entryOf(golden.f32('student'), trajectory, row).data;
      const teacher = entryOf(golden.f32('teacher'), trajectory, row).data;
      const squares = Array.from(teacher, (value, i) => (value - (student[i] as number)) ** 2);
      const stored = entryOf(golden.f32('dataLoss'), trajectory, row).data;
      expectClose(stored, [mean(squares)], rounding);
    }
  });

  it('updates the logits of the step alone, by AdamW and a clamp', () => {
    const expected = replayAdamW({ golden, iterations, learningRate: settings.learningRate });
    for (const { k } of iterations) {
      const after = entryOf(golden.f64('logits'), k + 1).data;
      expectClose(after, expected[k] as number[], { relative: 1e-12 });
      expectClose(entryOf(golden.f32('logits'), k + 1).data, after, { relative: 1e-6 });
    }
    const last = entryOf(golden.f64('logits'), 18).data.subarray(6);
    expect(last.some((logit) => Math.abs(logit) === 5)).toBe(true);
  });

  it('carries the student trajectory on', () => {
    const bars = alphaBars(golden.i32('timesteps').data);
    const trajectories = golden.f32('student').shape[0] ?? 0;
    for (const { trajectory, row, step } of iterations.slice(0, 9 * trajectories)) {
      const x = entryOf(golden.f32('x'), trajectory, step);
      const output = entryOf(golden.f32('student'), trajectory, row);
      const next = entryOf(golden.f32('x'), trajectory, step + 1).data;
      expectClose(ddimStep({ x, output, bars, step }), next, rounding);
    }
  });

  it('starts both halves of a trajectory from the same noise', () => {
    for (const trajectory of [0, 1]) {
      const start = entryOf(golden.f32('x'), trajectory, 0);
      const half = start.data.slice(0, start.data.length / 2);
      expectClose(start.data, [...half, ...half], { relative: 0 });
    }
  });
});

/** AdamW (2019) without decay on each router by itself: its moments and step count advance in its own step only. */
function replayAdamW(options: {
  golden: Golden;
  iterations: readonly { trajectory: number; row: number; step: number }[];
  learningRate: number;
}): number[][] {
  const { golden, iterations, learningRate } = options;
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  const logits = [...entryOf(golden.f64('logits'), 0).data];
  const first = logits.map(() => 0);
  const second = logits.map(() => 0);
  return iterations.map(({ trajectory, row, step }) => {
    const gradient = entryOf(golden.f64('gradient'), trajectory, row).data;
    for (const [branch, g] of gradient.entries()) {
      const i = step * 6 + branch;
      const m = beta1 * (first[i] as number) + (1 - beta1) * g;
      const v = beta2 * (second[i] as number) + (1 - beta2) * g * g;
      const count = trajectory + 1;
      const scale = Math.sqrt(v / (1 - beta2 ** count)) + epsilon;
      const updated = (logits[i] as number) - (learningRate * m) / (1 - beta1 ** count) / scale;
      logits[i] = Math.min(5, Math.max(-5, updated));
      first[i] = m;
      second[i] = v;
    }
    return [...logits];
  });
}

describe('the cache of sdt-l1-7e-8', () => {
  it('keeps a branch output where the score is at most 0.1 and takes the blended one elsewhere', () => {
    const golden = loadGolden('sdt-l1-7e-8');
    const cache = golden.f32('cache');
    for (const step of range(9).map((row) => row + 1)) {
      const scores = [...entryOf(golden.f64('logits'), step - 1, step).data].map(sigmoid);
      for (const [branch, score] of scores.entries()) {
        const before = entryOf(cache, step - 1, branch).data;
        const kept = entryOf(cache, step, branch).data.every((value, i) => value === before[i]);
        expect(kept, `step ${step}, branch ${branch}`).toBe(score <= 0.1);
      }
    }
  });
});

describe('proxy', () => {
  const golden = loadGolden('proxy');

  it('means what the squared norms of the samples add up to', () => {
    const norms = golden.f64('leaveOneOut.squaredNorm');
    const means = range(9).map((row) => mean([...entryOf(norms, row).data]) / (4 * 8 * 8));
    expectClose(golden.f64('leaveOneOut.mean').data, means, { relative: 1e-12 });
  });

  it('is the same in both variants for the last step alone', () => {
    const cumulative = golden.f64('cumulative').data;
    const leaveOneOut = golden.f64('leaveOneOut.mean').data;
    expectClose(cumulative.slice(8), leaveOneOut.slice(8), { relative: 1e-9 });
    for (const row of range(8)) {
      const ratio = (cumulative[row] as number) / (leaveOneOut[row] as number);
      expect(Math.abs(ratio - 1)).toBeGreaterThan(0.01);
    }
  });
});

describe('inference-10', () => {
  const golden = loadGolden('inference-10');
  const timesteps = golden.i32('timesteps').data;

  it.each([0.1, 0.5])('computes all branches of step 0, then those above %d', (threshold) => {
    const trained = entryOf(loadGolden('sdt-l1-7e-8').f32('logits'), 18).data;
    const expected = Array.from(trained, (logit, i) => Number(i < 6 || sigmoid(logit) > threshold));
    expect([...golden.i32(`computed.${threshold}`).data]).toEqual(expected);
  });

  it.each([0.1, 0.5])('takes DDIM steps at threshold %d', (threshold) => {
    for (const step of range(10)) {
      const x = entryOf(golden.f32(`latents.${threshold}`), step);
      const output = entryOf(golden.f32(`modelOutputs.${threshold}`), step);
      const next = entryOf(golden.f32(`latents.${threshold}`), step + 1).data;
      expectClose(ddimStep({ x, output, bars: alphaBars(timesteps), step }), next, rounding);
    }
  });

  it('starts both thresholds from the same noise and ends apart', () => {
    const latent = (threshold: number, step: number) =>
      entryOf(golden.f32(`latents.${threshold}`), step).data;
    expectClose(latent(0.1, 0), latent(0.5, 0), { relative: 0 });
    expect(() => expectClose(latent(0.1, 10), latent(0.5, 10), { relative: 0.01 })).toThrow();
  });
});

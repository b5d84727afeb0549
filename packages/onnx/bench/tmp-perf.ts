const cpu = () => {
  const u = process.cpuUsage();
  return (u.user + u.system) / 1000;
};

import { randomDit } from '@harmonica/backbones';
import { computeAction, type StreamHandle, type ValueHandle } from '@harmonica/core';
import { randomNormal, setBackend, tensor1d } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { createOnnxExecutor } from '../src/onnx-executor.js';

const batch = Number(process.argv[2] ?? 32);
const depth = 12;
await setBackend('cpu');
const backbone = randomDit({
  seed: 1,
  config: {
    name: 'b',
    depth,
    hiddenSize: 256,
    heads: 4,
    patchSize: 2,
    mlpRatio: 4,
    inputSize: 16,
    inChannels: 4,
    numClasses: 10,
    learnSigma: true,
  },
});
const ex = await createOnnxExecutor({ backbone, threads: Number(process.argv[3] ?? 1) });
const latent = randomNormal([batch, 16, 16, 4]) as any;
const condition = {
  labels: tensor1d(
    Array.from({ length: batch }, (_, i) => i % 10),
    'int32',
  ),
};
const s = await ex.begin({ latent, time: 400, condition });
const n = 2 * depth;
const rows: ValueHandle[][] = [];
for (let i = 0; i < 3; i++) {
  const r = await ex.advance(
    s,
    Array.from({ length: n }, (_, b) => computeAction(b, true)),
  );
  rows.push(r.outputs as ValueHandle[]);
  ex.release(r.stream);
}
const hist = (b: number, d: number) => rows.slice(0, d).map((r) => r[b]!);
const W = [[1], [1.5, -0.5], [1.8, -1.2, 0.4]];
const act = (b: number, score: number, d: number) => ({
  branch: b,
  score,
  history: hist(b, d),
  weights: W[d - 1]!,
  keep: false,
});
const out = await ex.end(s);
const g0 = await ex.endVjp(s, out);
const tests: Record<string, () => Promise<number>> = {
  'attn compute': async () => {
    const r = await ex.advance(
      s,
      Array.from({ length: 4 }, (_, i) => computeAction(2 * i, false)),
    );
    ex.release(r.stream);
    return 4;
  },
  'mlp compute': async () => {
    const r = await ex.advance(
      s,
      Array.from({ length: 4 }, (_, i) => computeAction(2 * i + 1, false)),
    );
    ex.release(r.stream);
    return 4;
  },
  'attn blend3': async () => {
    const r = await ex.advance(
      s,
      Array.from({ length: 4 }, (_, i) => act(2 * i, 0.5, 3)),
    );
    ex.release(r.stream);
    return 4;
  },
  'mlp blend3': async () => {
    const r = await ex.advance(
      s,
      Array.from({ length: 4 }, (_, i) => act(2 * i + 1, 0.5, 3)),
    );
    ex.release(r.stream);
    return 4;
  },
  predict1: async () => {
    const r = await ex.advance(
      s,
      Array.from({ length: n }, (_, b) => act(b, 0, 1)),
    );
    ex.release(r.stream);
    return n;
  },
  predict2: async () => {
    const r = await ex.advance(
      s,
      Array.from({ length: n }, (_, b) => act(b, 0, 2)),
    );
    ex.release(r.stream);
    return n;
  },
  predict3: async () => {
    const r = await ex.advance(
      s,
      Array.from({ length: n }, (_, b) => act(b, 0, 3)),
    );
    ex.release(r.stream);
    return n;
  },
  'attn vjp': async () => {
    for (let i = 0; i < 2; i++) {
      const r = await ex.vjp(s, act(2 * i, 0.5, 3), g0);
      ex.release(r.gradient);
    }
    return 2;
  },
  'mlp vjp': async () => {
    for (let i = 0; i < 2; i++) {
      const r = await ex.vjp(s, act(2 * i + 1, 0.5, 3), g0);
      ex.release(r.gradient);
    }
    return 2;
  },
  begin: async () => {
    const r = await ex.begin({ latent, time: 300, condition });
    ex.release(r);
    return 1;
  },
  end: async () => {
    const r = await ex.end(s);
    r.dispose();
    return 1;
  },
  endVjp: async () => {
    const r = await ex.endVjp(s, out);
    ex.release(r);
    return 1;
  },
};
const times: Record<string, number[]> = {};
for (let k = 0; k < 12; k++)
  for (const [name, f] of Object.entries(tests)) {
    const t = cpu();
    const c = await f();
    const d = (cpu() - t) / c;
    if (k >= 2) (times[name] ??= []).push(d);
  }
const med = (x: number[]) => x.toSorted((a, b) => a - b)[x.length >> 1]!;
const m = Object.fromEntries(Object.entries(times).map(([k, v]) => [k, med(v)]));
for (const [k, v] of Object.entries(m))
  console.log(k.padEnd(14), v.toFixed(2), 'min', Math.min(...times[k]!).toFixed(2));
const avg = (m['attn compute']! + m['mlp compute']!) / 2;
console.log(
  'predict ratio 1/2/3',
  (m.predict1! / avg).toFixed(4),
  (m.predict2! / avg).toFixed(4),
  (m.predict3! / avg).toFixed(4),
);
console.log(
  'vjp ratio attn',
  (m['attn vjp']! / m['attn compute']!).toFixed(2),
  'mlp',
  (m['mlp vjp']! / m['mlp compute']!).toFixed(2),
);
const fwd = 12 * 2 * avg + m.begin! + m.end!;
const iter =
  m.begin! +
  24 * avg +
  m.end! +
  12 * (m['attn blend3']! + m['mlp blend3']!) +
  m.end! +
  m.endVjp! +
  12 * (m['attn vjp']! + m['mlp vjp']!);
console.log('iteration/forward', (iter / fwd).toFixed(2), 'fwd', fwd.toFixed(1));
ex.release(s, g0, ...rows.flat());
console.log('live', ex.liveHandles);
await ex.dispose();

const cpu = () => { const u = process.cpuUsage(); return (u.user + u.system) / 1000; };
import { randomDit } from '@harmonica/backbones';
import { computeAction, type ValueHandle, type Executor } from '@harmonica/core';
import { setBackend, tensor1d, randomNormal } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { createOnnxExecutor } from '../src/onnx-executor.js';
const batch = Number(process.argv[2] ?? 32);
await setBackend('cpu');
const backbone = randomDit({ seed: 1, config: { name: 'b', depth: 2, hiddenSize: 256, heads: 4, patchSize: 2, mlpRatio: 4, inputSize: 16, inChannels: 4, numClasses: 10, learnSigma: true } });
const latent = randomNormal([batch, 16, 16, 4]) as any;
const condition = { labels: tensor1d(Array.from({ length: batch }, (_, i) => i % 10), 'int32') };
const W = [1.8, -1.2, 0.4];
async function make(stat: string) {
  process.env.STATIC = stat;
  const ex = await createOnnxExecutor({ backbone, threads: 1 });
  const s = await ex.begin({ latent, time: 400, condition });
  const rows: ValueHandle[][] = [];
  for (let i = 0; i < 3; i++) { const r = await ex.advance(s, [0,1,2,3].map((b) => computeAction(b, true))); rows.push(r.outputs as ValueHandle[]); ex.release(r.stream); }
  const out = await ex.end(s); const g0 = await ex.endVjp(s, out);
  const act = (b: number, score: number) => ({ branch: b, score, history: rows.map((r) => r[b]!), weights: W, keep: false });
  const tests: Record<string, () => Promise<void>> = {
    attn: async () => { const r = await ex.advance(s, [computeAction(0, false)]); ex.release(r.stream); },
    'attn keep': async () => { const r = await ex.advance(s, [computeAction(0, true)]); ex.release(r.stream, r.outputs[0]!); },
    'mlp keep': async () => { const r = await ex.advance(s, [computeAction(1, true)]); ex.release(r.stream, r.outputs[0]!); },
    mlp: async () => { const r = await ex.advance(s, [computeAction(1, false)]); ex.release(r.stream); },
    predict: async () => { const r = await ex.advance(s, [0,1,2,3].map((b) => act(b, 0))); ex.release(r.stream); },
    'attn vjp': async () => { const r = await ex.vjp(s, act(0, 0.5), g0); ex.release(r.gradient); },
    'mlp vjp': async () => { const r = await ex.vjp(s, act(1, 0.5), g0); ex.release(r.gradient); },
  };
  for (const f of Object.values(tests)) await f();
  return tests;
}
const A = await make(''), B = await make('1');
const ta: Record<string, number[]> = {}, tb: Record<string, number[]> = {};
for (let k = 0; k < 60; k++) for (const n of Object.keys(A).filter((n) => !process.argv[3] || n.includes(process.argv[3]))) for (const [T, t] of [[A, ta], [B, tb]] as const) { const c = cpu(); await T[n]!(); (t[n] ??= []).push(cpu() - c); }
const q = (x: number[], p: number) => x.toSorted((a, b) => a - b)[Math.floor(x.length * p)]!.toFixed(2);
for (const n of Object.keys(A).filter((n) => !process.argv[3] || n.includes(process.argv[3]))) console.log(n.padEnd(10), 'A', q(ta[n]!, 0), q(ta[n]!, .25), q(ta[n]!, .5), ' B', q(tb[n]!, 0), q(tb[n]!, .25), q(tb[n]!, .5));
process.exit(0);

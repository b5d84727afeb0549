/**
 * One transformer branch on ONNX Runtime against tfjs-wasm, and what a predicted branch and a training iteration cost in
 * units of a computed branch. Everything is measured in turns within one process; medians are printed.
 *
 *     npx tsx --conditions=@harmonica/source bench/branch.bench.ts [batch] [threads] [rounds]
 */

import { createRequire } from 'node:module';
import path from 'node:path';
import { type DitConfig, randomDit } from '@harmonica/backbones';
import {
  type BranchAction,
  computeAction,
  createEagerExecutor,
  type Executor,
  type StreamHandle,
  type ValueHandle,
} from '@harmonica/core';
import { setBackend, type Tensor4D, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { createOnnxExecutor } from '../src/onnx-executor.js';

const [batch = 16, threads = 2, rounds = 9] = process.argv.slice(2).map(Number);
const BLOCKS = 2;
const DEPTH = 12;
const SIDE = 16;
const CHANNELS = 4;
const COEFFICIENTS = [1.875, -1.25, 0.375];

const config: DitConfig = {
  name: 'bench',
  depth: BLOCKS,
  hiddenSize: 256,
  heads: 4,
  patchSize: 2,
  mlpRatio: 4,
  inputSize: SIDE,
  inChannels: CHANNELS,
  numClasses: 10,
  learnSigma: true,
};

/** One engine with a stream at the first branch, three earlier outputs of every branch, and a gradient. */
interface Subject {
  readonly backend: string;
  readonly executor: Executor;
  readonly stream: StreamHandle;
  readonly history: readonly ValueHandle[][];
  readonly gradient: ValueHandle;
  readonly latent: Tensor4D;
}

async function createSubject(backend: string): Promise<Subject> {
  await setBackend(backend);
  const backbone = randomDit({ config, seed: 1 });
  const executor =
    backend === 'wasm'
      ? createEagerExecutor(backbone)
      : await createOnnxExecutor({ backbone, threads });
  const size = batch * SIDE * SIDE * CHANNELS;
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
  const latent = tensor4d(values, [batch, SIDE, SIDE, CHANNELS]);
  const stream = await begin(executor, latent);
  const history: ValueHandle[][] = [];
  for (let row = 0; row < COEFFICIENTS.length; row++) {
    const actions = executor.spec.branches.map(({ index }) => computeAction(index, true));
    const { stream: after, outputs } = await executor.advance(stream, actions);
    executor.release(after);
    history.push(outputs as ValueHandle[]);
  }
  const output = await executor.end(stream);
  const gradient = await executor.endVjp(stream, output);
  output.dispose();
  return { backend, executor, stream, history, gradient, latent };
}

async function begin(executor: Executor, latent: Tensor4D): Promise<StreamHandle> {
  const labels = tensor1d(new Int32Array(batch).fill(3), 'int32');
  const stream = await executor.begin({ latent, time: 421, condition: { labels } });
  labels.dispose();
  return stream;
}

function routed({ history }: Subject, branch: number, score: number): BranchAction {
  const outputs = history.map((row) => row[branch] as ValueHandle);
  return { branch, score, history: outputs, coefficients: COEFFICIENTS, keep: false };
}

async function advance({ executor, stream }: Subject, actions: BranchAction[]): Promise<void> {
  const { stream: after } = await executor.advance(stream, actions);
  executor.release(after);
}

async function vjp(subject: Subject, branch: number): Promise<void> {
  const { executor, stream, gradient } = subject;
  const result = await executor.vjp(stream, routed(subject, branch, 0.5), gradient);
  executor.release(result.gradient);
}

const TASKS: Readonly<Record<string, (subject: Subject) => Promise<void>>> = {
  'attention forward': (s) => advance(s, [computeAction(0, false)]),
  'mlp forward': (s) => advance(s, [computeAction(1, false)]),
  'attention blended': (s) => advance(s, [routed(s, 0, 0.5)]),
  'mlp blended': (s) => advance(s, [routed(s, 1, 0.5)]),
  'attention vjp': (s) => vjp(s, 0),
  'mlp vjp': (s) => vjp(s, 1),
  'four predicted': (s) =>
    advance(
      s,
      [0, 1, 2, 3].map((branch) => routed(s, branch, 0)),
    ),
  begin: async ({ executor, latent }) => executor.release(await begin(executor, latent)),
  end: async ({ executor, stream }) => {
    (await executor.end(stream)).dispose();
  },
  'end vjp': async ({ executor, stream }) => {
    const output = await executor.end(stream);
    executor.release(await executor.endVjp(stream, output));
    output.dispose();
  },
};

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function milliseconds(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

async function measure(subjects: readonly Subject[]): Promise<Map<string, number[]>> {
  const times = new Map<string, number[][]>();
  for (let round = -2; round < rounds; round++) {
    for (const [name, task] of Object.entries(TASKS)) {
      const row = times.get(name) ?? subjects.map(() => []);
      times.set(name, row);
      for (const [i, subject] of subjects.entries()) {
        await setBackend(subject.backend);
        // Once more first: the engine before has left its memory to the garbage collector.
        await task(subject);
        const time = await milliseconds(() => task(subject));
        if (round >= 0) row[i]?.push(time);
      }
    }
  }
  return new Map([...times].map(([name, rows]) => [name, rows.map(median)]));
}

function report(times: ReadonlyMap<string, readonly number[]>): void {
  const line = (...cells: string[]) => print(cells.map((cell) => cell.padStart(18)).join(''));
  line('', 'onnx ms', 'tfjs-wasm ms', 'ratio');
  for (const [name, [onnx = 0, wasm = 0]] of times) {
    line(name, onnx.toFixed(2), wasm.toFixed(1), `${(wasm / onnx).toFixed(1)}x`);
  }
  const of = (name: string): number => times.get(name)?.[0] ?? 0;
  const both = (kind: string): number => of(`attention ${kind}`) + of(`mlp ${kind}`);
  const forward = of('begin') + DEPTH * both('forward') + of('end');
  const student = of('begin') + DEPTH * both('blended') + of('end vjp') + DEPTH * both('vjp');
  print(`a predicted branch: ${((50 * of('four predicted')) / both('forward')).toFixed(1)} %`);
  print(`attention vjp: ${(of('attention vjp') / of('attention forward')).toFixed(2)} forwards`);
  print(`mlp vjp: ${(of('mlp vjp') / of('mlp forward')).toFixed(2)} forwards`);
  print(`a training iteration: ${((forward + student) / forward).toFixed(2)} forwards`);
}

const wasm = path.dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
setWasmPaths(`${wasm}/`);
print(`batch ${batch}, ${threads} threads, ${rounds} rounds, depth ${DEPTH}, width 256`);
report(await measure([await createSubject('cpu'), await createSubject('wasm')]));
process.exit(0);

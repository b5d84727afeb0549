import { DisposedError } from '@harmonica/core';
import { type DataType, type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { GraphValue } from './graph.js';
import type { OrtRuntime, OrtTensor } from './ort.js';
import { Compiler, type Program } from './program.js';
import { remembered } from './remembered.js';
import { loadRuntime, type SessionOptions } from './runtime.js';
import { emptyTensor, fed } from './tensor-pool.js';
import { type TensorSpec, tensorDType, traceFunction } from './trace-function.js';

/** What a compiled function may return: one tensor, a list of them, or named ones. */
export type TensorResult = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

/** A function that runs on ONNX Runtime. */
export interface CompiledFunction<Inputs extends readonly Tensor[], Result extends TensorResult> {
  /**
   * @param inputs not disposed; each new combination of shapes is compiled when it first appears
   * @returns tensors on the current TensorFlow.js backend; the caller disposes them
   */
  (...inputs: Inputs): Promise<Result>;
  /** Frees the compiled graphs. */
  dispose(): Promise<void>;
}

/** Rebuilds the function's own result from tensors in the order of the program's outputs. */
type Rebuild = (tensors: readonly Tensor[]) => TensorResult;

interface Specialised {
  readonly program: Program;
  readonly names: readonly string[];
  readonly rebuild: Rebuild;
}

/**
 * Compiles a TensorFlow.js function for ONNX Runtime: a decoder, a metric, anything made of TensorFlow.js ops without
 * decisions on values. Tensors that it uses but is not given, such as weights, must not change afterwards.
 *
 * @param fn synchronous and pure
 * @throws {@link UnsupportedError} at the first call, if an op cannot be traced or ONNX Runtime is not installed
 */
export function compileFunction<Inputs extends readonly Tensor[], Result extends TensorResult>(
  fn: (...inputs: Inputs) => Result,
  options: SessionOptions = {},
): CompiledFunction<Inputs, Result> {
  const variants = new Map<string, Promise<Specialised>>();
  let started: Promise<{ runtime: OrtRuntime; compiler: Compiler }> | undefined;
  let disposed = false;

  const start = async () => {
    const runtime = options.runtime ?? (await loadRuntime(options));
    return { runtime, compiler: new Compiler(runtime, options) };
  };
  const engine = () => {
    started ??= start();
    return started;
  };
  const variant = (inputs: Inputs): Promise<Specialised> => {
    const key = inputs.map(({ dtype, shape }) => `${dtype}[${shape}]`).join();
    return remembered(variants, key, async () => specialise((await engine()).compiler, fn, inputs));
  };

  const run = async (...inputs: Inputs): Promise<Result> => {
    if (disposed) throw new DisposedError('A compiled function');
    const { program, names, rebuild } = await variant(inputs);
    const { runtime } = await engine();
    const feeds = await Promise.all(
      program.inputs.map(({ name }) => fed(runtime, inputs[names.indexOf(name)] as Tensor)),
    );
    const results = program.outputs.map((output) => emptyTensor(runtime, output));
    await program.run(feeds, results);
    return rebuild(
      results.map((result, i) => toTensor(result, program.outputs[i] as GraphValue)),
    ) as Result;
  };
  const dispose = async (): Promise<void> => {
    disposed = true;
    variants.clear();
    if (started) await (await started).compiler.dispose();
  };
  return Object.assign(run, { dispose });
}

async function specialise<Inputs extends readonly Tensor[]>(
  compiler: Compiler,
  fn: (...inputs: Inputs) => TensorResult,
  examples: Inputs,
): Promise<Specialised> {
  const names = examples.map((_, i) => `input.${i}`);
  const specs = examples.map(
    ({ shape, dtype }, i) => [names[i], { shape, dtype } as TensorSpec] as const,
  );
  const rebuilds: Rebuild[] = [];
  const graph = traceFunction({
    inputs: Object.fromEntries(specs),
    fn: (inputs) => {
      const { tensors, rebuild } = flatten(
        fn(...(names.map((name) => inputs[name]) as unknown as Inputs)),
      );
      rebuilds.push(rebuild);
      return Object.fromEntries(tensors.map((result, i) => [`output.${i}`, result]));
    },
  });
  return {
    program: await compiler.compile(compiler.optimise(graph), { toHost: 'all' }),
    names,
    rebuild: rebuilds[0] as Rebuild,
  };
}

function flatten(result: TensorResult): { tensors: readonly Tensor[]; rebuild: Rebuild } {
  if (Array.isArray(result)) return { tensors: result, rebuild: (tensors) => tensors };
  if ('dataId' in result) {
    return { tensors: [result as Tensor], rebuild: ([only]) => only as Tensor };
  }
  const entries = Object.entries(result as Readonly<Record<string, Tensor>>);
  return {
    tensors: entries.map(([, value]) => value),
    rebuild: (tensors) =>
      Object.fromEntries(entries.map(([name], i) => [name, tensors[i] as Tensor])),
  };
}

function toTensor(source: OrtTensor, { shape, dtype }: GraphValue): Tensor {
  const type: DataType = tensorDType(dtype);
  return tensor(source.data as Float32Array, [...shape], type);
}

import { EngineError } from '@harmonica/core';
import { canonicalGraph, graphKey } from './canonical-graph.js';
import { type GraphValue, sameShape, sizeOf, type TracedGraph } from './graph.js';
import { encodeModel } from './onnx-model.js';
import { pruneGraph } from './prune-graph.js';
import {
  createSession,
  type OrtRuntime,
  type OrtSession,
  type OrtTensor,
  runsOnCpu,
  type SessionOptions,
} from './runtime.js';
import { readWeight, WeightStore } from './weight-store.js';

/** A traced graph bound to a session and to its weights. */
export interface Program {
  /** In the order that `run` wants them. Their shapes may leave the batch size open, see `shapeAt`. */
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /**
   * @param inputs one tensor for each of `inputs`
   * @param results one tensor for each of `outputs`, written in place; null leaves an output out
   */
  run(inputs: readonly OrtTensor[], results: readonly (OrtTensor | null)[]): Promise<void>;
}

/**
 * Compiles graphs and shares what can be shared: one session for all graphs of equal structure, one tensor for each
 * weight.
 */
export class Compiler {
  readonly #runtime: OrtRuntime;
  readonly #options: SessionOptions;
  readonly #sessions = new Map<string, Promise<OrtSession>>();
  readonly #weights: WeightStore;
  #embeddedCount = 0;

  constructor(runtime: OrtRuntime, options: SessionOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.#weights = new WeightStore(runtime);
  }

  /** @param given fused, if it shall be fast */
  async compile(given: TracedGraph): Promise<Program> {
    const graph = canonicalGraph(withoutLastReshapes(given));
    const made = graph.outputs.map(({ shape }, i) =>
      sameShape(shape, given.outputs[i]?.shape ?? []) ? undefined : shape,
    );
    const fed = runsOnCpu(this.#options) && !wantsConstantWeights(graph);
    const [session, weights] = fed
      ? await Promise.all([this.#shared(graph), this.#fed(graph)])
      : [await this.#embedded(graph), []];
    return {
      inputs: given.inputs,
      outputs: given.outputs,
      run: async (inputs, results) => {
        const feeds: Record<string, OrtTensor> = {};
        inputs.forEach((tensor, i) => {
          feeds[`input${i}`] = tensor;
        });
        weights.forEach((tensor, i) => {
          feeds[`weight${i}`] = tensor;
        });
        const fetches: Record<string, OrtTensor> = {};
        results.forEach((tensor, i) => {
          if (tensor) fetches[`output${i}`] = this.#viewed(tensor, made[i]);
        });
        await runSession(session, feeds, fetches);
      },
    };
  }

  async dispose(): Promise<void> {
    const sessions = await Promise.all(this.#sessions.values());
    this.#sessions.clear();
    this.#weights.clear();
    await Promise.all(sessions.map((session) => session.release()));
  }

  /** The same memory under the shape in which the graph makes the result. */
  #viewed(tensor: OrtTensor, shape: readonly number[] | undefined): OrtTensor {
    if (!shape) return tensor;
    const known = sizeOf(shape.filter((size) => size > 0));
    const dims = shape.map((size) => (size > 0 ? size : tensor.size / known));
    return new this.#runtime.Tensor(tensor.type as 'float32', tensor.data as Float32Array, dims);
  }

  /** One session for all graphs that differ in weights only. */
  #shared(graph: TracedGraph): Promise<OrtSession> {
    return this.#session(graphKey(graph), () => Promise.resolve(encodeModel({ graph })));
  }

  #fed({ weights }: TracedGraph): Promise<OrtTensor[]> {
    return Promise.all(weights.map((weight) => this.#weights.tensor(weight)));
  }

  /** The session holds the weights itself, so each graph has one of its own. */
  #embedded(graph: TracedGraph): Promise<OrtSession> {
    this.#embeddedCount += 1;
    return this.#session(`#${this.#embeddedCount}`, async () => {
      const weights = await Promise.all(
        graph.weights.map(async ({ dataId }) => ({ values: await readWeight(dataId) })),
      );
      return encodeModel({ graph, weights });
    });
  }

  #session(key: string, encode: () => Promise<Uint8Array>): Promise<OrtSession> {
    const known = this.#sessions.get(key);
    if (known) return known;
    const session = encode().then((model) =>
      createSession({ runtime: this.#runtime, model, options: this.#options }),
    );
    this.#sessions.set(key, session);
    session.catch(() => this.#sessions.delete(key));
    return session;
  }
}

/** ONNX Runtime copies where a reshape is the last step to an output; the reader can name the shape as well. */
function withoutLastReshapes(graph: TracedGraph): TracedGraph {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const outputs = graph.outputs.map((output) => {
    const reshape = makers.get(output.value);
    const source = reshape?.op === 'Reshape' ? (reshape.inputs[0] as string) : '';
    const value = makers.has(source) ? graph.values.get(source) : undefined;
    const open = value?.shape.filter((size) => size < 0).length ?? 0;
    return value && open <= 1 ? { ...output, value: source, shape: value.shape } : output;
  });
  return pruneGraph({ ...graph, outputs });
}

/** Convolutions are several times faster when ONNX Runtime may lay out their filters beforehand. */
function wantsConstantWeights({ nodes }: TracedGraph): boolean {
  return nodes.some(({ op }) => op === 'Conv' || op === 'ConvTranspose');
}

async function runSession(
  session: OrtSession,
  feeds: Record<string, OrtTensor>,
  fetches: Record<string, OrtTensor>,
): Promise<void> {
  try {
    await session.run(feeds, fetches);
  } catch (cause) {
    throw new EngineError({ engine: 'onnx', operation: 'running a graph', cause });
  }
}

import { EngineError } from '@harmonica/core';
import { canonicalGraph, graphKey } from './canonical-graph.js';
import { fuseGraph, portableGraph } from './fuse-graph.js';
import {
  type GraphDType,
  type GraphValue,
  type GraphWeight,
  pruneGraph,
  sameShape,
  sizeOf,
  type TracedGraph,
} from './graph.js';
import { encodeModel } from './onnx-model.js';
import {
  keepsOnDevice,
  type OrtRuntime,
  type OrtSession,
  type OrtTensor,
  type OutputLocation,
  runsOnCpu,
} from './ort.js';
import { remembered } from './remembered.js';
import { createSession, type SessionOptions } from './runtime.js';
import { emptyTensor } from './tensor-pool.js';
import { readWeight, WeightStore } from './weight-store.js';

/** A traced graph bound to a session and to its weights. */
export interface Program {
  /** In the order that `run` wants them. Their shapes may leave the batch size open, see `shapeAt`. */
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** Whether ONNX Runtime makes the results itself, in the memory of a device. */
  readonly onDevice: boolean;
  /**
   * @param inputs one tensor for each of `inputs`
   * @param results one tensor for each of `outputs`, written in place; null leaves an output out. Not read with
   *   `onDevice`.
   * @returns one tensor for each of `outputs`; with `onDevice` the caller disposes them
   */
  run(
    inputs: readonly OrtTensor[],
    results?: readonly (OrtTensor | null)[],
  ): Promise<readonly (OrtTensor | null)[]>;
}

export interface CompileOptions {
  /** Names of outputs that are read by the caller; on an engine with memory of its own the others stay there. */
  readonly toHost: readonly string[] | 'all';
  /** Whether the session gives its working memory back after every run. Default false. */
  readonly lean?: boolean;
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
    const upload = (tensor: OrtTensor, weight: GraphWeight) => this.#copy(tensor, weight, []);
    this.#weights = new WeightStore(runtime, keepsOnDevice(options) ? upload : undefined);
  }

  /** The graph in the operators that the engine runs fastest. */
  optimise(graph: TracedGraph): TracedGraph {
    return runsOnCpu(this.#options) ? fuseGraph(graph) : portableGraph(graph);
  }

  /** @param given optimised, if it shall be fast */
  async compile(given: TracedGraph, { toHost, lean = false }: CompileOptions): Promise<Program> {
    const read = given.outputs.map(({ name }) => toHost === 'all' || toHost.includes(name));
    const onDevice = keepsOnDevice(this.#options) && read.includes(false);
    const graph = canonicalGraph(onDevice ? given : withoutLastReshapes(given));
    const locations = onDevice ? read.map((host) => (host ? 'cpu' : 'gpu-buffer')) : [];
    const made = graph.outputs.map(({ shape }, i) =>
      sameShape(shape, given.outputs[i]?.shape ?? []) ? undefined : shape,
    );
    const sharing = runsOnCpu(this.#options) || keepsOnDevice(this.#options);
    const fed = sharing && !wantsConstantWeights(graph);
    const [session, weights] = fed
      ? await Promise.all([this.#shared(graph, { locations, lean }), this.#fed(graph)])
      : [await this.#embedded(graph, { locations, lean }), []];
    return {
      inputs: given.inputs,
      outputs: given.outputs,
      onDevice,
      run: async (inputs, results = []) => {
        const feeds: Record<string, OrtTensor> = {};
        inputs.forEach((tensor, i) => {
          feeds[`input${i}`] = tensor;
        });
        weights.forEach((tensor, i) => {
          feeds[`weight${i}`] = tensor;
        });
        if (onDevice) {
          const values = await runSession(session, feeds);
          return graph.outputs.map(({ name }) => values[name] as OrtTensor);
        }
        const fetches: Record<string, OrtTensor> = {};
        results.forEach((tensor, i) => {
          if (tensor) fetches[`output${i}`] = this.#viewed(tensor, made[i]);
        });
        await runSession(session, feeds, fetches);
        return results;
      },
    };
  }

  /** Brings a tensor from the memory of a device. */
  async download(tensor: OrtTensor, value: Omit<GraphValue, 'name'>): Promise<OrtTensor> {
    return tensor.location === 'cpu' ? tensor : this.#copy(tensor, value, 'all');
  }

  async #copy(
    tensor: OrtTensor,
    { shape, dtype }: Omit<GraphValue, 'name'>,
    toHost: CompileOptions['toHost'],
  ): Promise<OrtTensor> {
    const { run, outputs } = await this.compile(identityGraph(shape, dtype), { toHost });
    const results =
      toHost === 'all' ? outputs.map((output) => emptyTensor(this.#runtime, output)) : [];
    const [copy] = await run([tensor], results);
    return copy as OrtTensor;
  }

  async dispose(): Promise<void> {
    const sessions = await Promise.all(this.#sessions.values());
    this.#sessions.clear();
    await this.#weights.clear();
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
  #shared(graph: TracedGraph, kind: SessionKind): Promise<OrtSession> {
    const encode = () => Promise.resolve(encodeModel({ graph }));
    return this.#session({ key: `${graphKey(graph)}${JSON.stringify(kind)}`, encode, ...kind });
  }

  #fed({ weights }: TracedGraph): Promise<OrtTensor[]> {
    return Promise.all(weights.map((weight) => this.#weights.tensor(weight)));
  }

  /** The session holds the weights itself, so each graph has one of its own. */
  #embedded(graph: TracedGraph, kind: SessionKind): Promise<OrtSession> {
    this.#embeddedCount += 1;
    const encode = async () => {
      const weights = await Promise.all(
        graph.weights.map(async ({ dataId }) => ({ values: await readWeight(dataId) })),
      );
      return encodeModel({ graph, weights });
    };
    return this.#session({ key: `#${this.#embeddedCount}`, encode, ...kind });
  }

  #session({ key, encode, locations, lean }: SessionInput): Promise<OrtSession> {
    const named = locations.map((location, i) => [`output${i}`, location] as const);
    return remembered(this.#sessions, key, async () =>
      createSession({
        runtime: this.#runtime,
        model: await encode(),
        options: this.#options,
        locations: named.length > 0 ? Object.fromEntries(named) : undefined,
        lean,
      }),
    );
  }
}

interface SessionKind {
  /** Of each output; empty where all are left to the CPU. */
  readonly locations: readonly OutputLocation[];
  readonly lean: boolean;
}

interface SessionInput extends SessionKind {
  /** Graphs of one key share a session. */
  readonly key: string;
  readonly encode: () => Promise<Uint8Array>;
}

function identityGraph(shape: readonly number[], dtype: GraphDType): TracedGraph {
  const [x, y] = ['x', 'y'].map((name) => ({ name, shape, dtype })) as [GraphValue, GraphValue];
  return {
    inputs: [x],
    weights: [],
    constants: [],
    nodes: [{ op: 'Identity', domain: '', inputs: ['x'], outputs: ['y'], attributes: {} }],
    outputs: [{ ...y, value: 'y' }],
    values: new Map([x, y].map((value) => [value.name, value])),
  };
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
  fetches?: Record<string, OrtTensor>,
): Promise<Readonly<Record<string, OrtTensor>>> {
  try {
    return await (fetches ? session.run(feeds, fetches) : session.run(feeds));
  } catch (cause) {
    throw new EngineError({ engine: 'onnx', operation: 'running a graph', cause });
  }
}

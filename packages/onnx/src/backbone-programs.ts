import { type Backbone, type Branch, ensureGradients, HarmonicaError } from '@harmonica/core';
import { deriveEndVjp, deriveVjp } from './backbone-gradients.js';
import {
  type BranchGraphOptions,
  type HistoryLayout,
  type Prediction,
  traceBegin,
  traceBlend,
  traceCompute,
  traceEnd,
  traceInput,
  traceParts,
  tracePredict,
} from './backbone-graphs.js';
import { composeGraphs } from './compose-graphs.js';
import { type GraphOutput, pruneGraph, type TracedGraph } from './graph.js';
import type { CompileOptions, Compiler, Program } from './program.js';
import { remembered } from './remembered.js';
import { isHeldName, layoutOf, type StreamLayout } from './stream-names.js';
import { PROBE_BATCHES, shapeAt, symbolicBatch } from './symbolic-batch.js';
import { traceTapeEndVjp, traceTapeVjp } from './tape-gradients.js';

/** A program whose results may be tensors that it is given, or each other. */
export interface BackboneProgram extends Program {
  /** All results, in order. */
  readonly results: readonly string[];
  /** Those that are not among `outputs`. */
  readonly shared: readonly SharedOutput[];
}

/** How branches are computed one after the other. */
interface Computation {
  readonly branches: readonly Branch[];
  /** Whether their outputs are results too. */
  readonly keep: boolean;
}

/** Traces a part of the backbone at a batch size. */
type Trace = (batch: number) => TracedGraph | Promise<TracedGraph>;

/**
 * Compiles the parts of a backbone when they are first needed. A part is traced at two batch sizes; if they differ in
 * shapes only, one program serves every batch size, else each size gets a program of its own.
 */
export class BackbonePrograms {
  readonly #backbone: Backbone;
  readonly #compiler: Compiler;
  /** Undefined where no graph serves every batch size. */
  readonly #anyBatch = new Map<string, Promise<TracedGraph | undefined>>();
  readonly #oneBatch = new Map<string, Promise<TracedGraph>>();
  readonly #compiled = new Map<TracedGraph, Promise<BackboneProgram>>();
  readonly #runs = new Map<string, Promise<BackboneProgram>>();
  readonly #layouts = new Map<number, StreamLayout>();

  constructor(backbone: Backbone, compiler: Compiler) {
    this.#backbone = backbone;
    this.#compiler = compiler;
  }

  begin(batch: number): Promise<BackboneProgram> {
    return this.#program('begin', batch, (size) => traceBegin(this.#backbone, size));
  }

  end(batch: number): Promise<BackboneProgram> {
    const trace = (size: number) => traceEnd(this.#backbone, this.layout(size));
    return this.#program('end', batch, trace, { toHost: ['output'] });
  }

  input(branch: Branch, batch: number): Promise<BackboneProgram> {
    const trace = (size: number) =>
      traceInput({ backbone: this.#backbone, branch, layout: this.layout(size) });
    return this.#program(`input:${branch.index}`, batch, trace, { toHost: ['input'] });
  }

  /** Computed branches one after the other; the output of the k-th is the result `output.k`, if outputs are kept. */
  compute({ branches, keep }: Computation, batch: number): Promise<BackboneProgram> {
    const key = `compute:${branches.map(({ index }) => index)}${keep ? '!' : ''}@${batch}`;
    return remembered(this.#runs, key, async () => {
      const graphs = await Promise.all(
        branches.map((branch) => this.#graph(...this.#computePart(branch, batch))),
      );
      const composed = composeGraphs(graphs.map((graph) => withKeptOutput(graph, keep)));
      return this.#compile(composed, { toHost: [] });
    });
  }

  blend(branch: Branch, batch: number, history: HistoryLayout): Promise<BackboneProgram> {
    const trace = async (size: number) =>
      traceBlend(await this.#branchOptions(branch, size), history);
    const key = `blend:${branch.index}:${keyOf(history)}`;
    return this.#program(key, batch, trace, { toHost: [], lean: true });
  }

  /** Predicted branches one after the other. */
  predict(run: readonly Prediction[], batch: number): Promise<BackboneProgram> {
    const keys = run.map(
      ({ branch, history, keep }) => `${branch.index}:${keyOf(history)}${keep ? '!' : ''}`,
    );
    return remembered(this.#runs, `predict:${keys}@${batch}`, async () => {
      const graphs = await Promise.all(
        run.map((prediction, k) =>
          this.#graph(`predict:${keys[k]}`, batch, async (size) =>
            tracePredict(await this.#branchOptions(prediction.branch, size), prediction),
          ),
        ),
      );
      return this.#compile(composeGraphs(graphs), { toHost: [] });
    });
  }

  vjp(branch: Branch, batch: number, history: HistoryLayout | undefined): Promise<BackboneProgram> {
    const trace = async (size: number) => {
      const options = await this.#branchOptions(branch, size);
      return orTape(
        () => deriveVjp(traceParts(options, history), options.layout),
        () => traceTapeVjp(options, history),
      );
    };
    return this.#program(`vjp:${branch.index}:${keyOf(history)}`, batch, trace, {
      toHost: ['score'],
      lean: true,
    });
  }

  endVjp(batch: number): Promise<BackboneProgram> {
    const backbone = this.#backbone;
    return this.#program('endVjp', batch, (size) => {
      const layout = this.layout(size);
      const end = traceEnd(backbone, layout);
      const output = end.outputs[0]?.shape ?? [];
      return orTape(
        () => deriveEndVjp(end, layout),
        () => traceTapeEndVjp({ backbone, layout, output }),
      );
    });
  }

  /** Names, shapes and types of the stream at a batch size. */
  layout(batch: number): StreamLayout {
    const known = this.#layouts.get(batch);
    if (known) return known;
    const layout = layoutOf(traceBegin(this.#backbone, batch).outputs);
    this.#layouts.set(batch, layout);
    return layout;
  }

  #computePart(branch: Branch, batch: number): [key: string, batch: number, trace: Trace] {
    const trace = (size: number) =>
      traceCompute({ backbone: this.#backbone, branch, layout: this.layout(size) });
    return [`compute:${branch.index}`, batch, trace];
  }

  async #branchOptions(branch: Branch, batch: number): Promise<BranchGraphOptions> {
    const { outputs } = await this.#graph(...this.#computePart(branch, batch));
    const output = outputs.find(({ name }) => name === 'output')?.shape ?? [];
    const layout = this.layout(batch);
    return { backbone: this.#backbone, branch, layout, output: shapeAt(output, batch) };
  }

  async #program(
    key: string,
    batch: number,
    trace: Trace,
    options: CompileOptions = { toHost: [] },
  ): Promise<BackboneProgram> {
    const graph = await this.#graph(key, batch, trace);
    return remembered(this.#compiled, graph, () => this.#compile(graph, options));
  }

  async #compile(whole: TracedGraph, options: CompileOptions): Promise<BackboneProgram> {
    const { graph, shared } = withoutShared(whole, isHeldName);
    const results = whole.outputs.map(({ name }) => name);
    return { ...(await this.#compiler.compile(graph, options)), results, shared };
  }

  async #anyBatchGraph(trace: Trace): Promise<TracedGraph | undefined> {
    const traced = await Promise.all(PROBE_BATCHES.map(trace));
    const [small, large] = traced.map((graph) => this.#compiler.optimise(graph));
    return symbolicBatch(small as TracedGraph, large as TracedGraph);
  }

  /** The graph for any batch size, or the one for this. */
  async #graph(key: string, batch: number, trace: Trace): Promise<TracedGraph> {
    const graph = await remembered(this.#anyBatch, key, () => this.#anyBatchGraph(trace));
    if (graph) return graph;
    return remembered(this.#oneBatch, `${key}@${batch}`, async () =>
      this.#compiler.optimise(await trace(batch)),
    );
  }
}

/** The graph of a computed branch as a part of several: its output is called `output.0`, or left out. */
function withKeptOutput(graph: TracedGraph, keep: boolean): TracedGraph {
  const outputs = graph.outputs.flatMap((output) => {
    if (output.name !== 'output') return [output];
    return keep ? [{ ...output, name: 'output.0' }] : [];
  });
  return { ...graph, outputs };
}

/** Falls back to the gradients of TensorFlow.js for operators that have no compact derivative. */
async function orTape(derive: () => TracedGraph, trace: () => TracedGraph): Promise<TracedGraph> {
  try {
    return derive();
  } catch (error) {
    if (!HarmonicaError.isInstance(error) || error.code !== 'unsupported') throw error;
    await ensureGradients();
    return trace();
  }
}

function keyOf(history: HistoryLayout | undefined): string {
  return history ? `${history.kind}${history.count}` : '';
}

/** A result that is an input of the graph, or another result, as it stands. */
interface SharedOutput {
  readonly name: string;
  /** What it is; an input and a result may have the same name. */
  readonly source: { readonly kind: 'input' | 'output'; readonly name: string };
}

/**
 * Takes results that change nothing out of a graph, because ONNX Runtime would copy them: state that a branch passes on,
 * such as the long skips of a U-ViT, and gradients of it.
 *
 * @param isHeld which inputs and results may be shared, by name; others stay
 */
export function withoutShared(
  graph: TracedGraph,
  isHeld: (name: string) => boolean,
): { readonly graph: TracedGraph; readonly shared: readonly SharedOutput[] } {
  const owners = new Map(
    graph.inputs.map(({ name }): [string, SharedOutput['source']] => [
      name,
      { kind: 'input', name },
    ]),
  );
  const kept: GraphOutput[] = [];
  const shared: SharedOutput[] = [];
  for (const output of graph.outputs) {
    const { name, value } = output;
    const source = owners.get(value);
    if (source && isHeld(source.name) && isHeld(name)) {
      shared.push({ name, source });
      continue;
    }
    kept.push(output);
    if (!source) owners.set(value, { kind: 'output', name });
  }
  // A model without results is none.
  if (kept.length === 0) return { graph, shared: [] };
  return { graph: pruneGraph({ ...graph, outputs: kept }), shared };
}

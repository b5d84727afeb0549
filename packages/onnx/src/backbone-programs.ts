import { type Backbone, type Branch, ensureGradients, HarmonicaError } from '@harmonica/core';
import { deriveEndVjp, deriveVjp } from './backbone-gradients.js';
import {
  type BranchGraphOptions,
  type HistoryLayout,
  type PredictedBranch,
  traceBegin,
  traceBlend,
  traceCompute,
  traceEnd,
  traceParts,
  tracePredict,
} from './backbone-graphs.js';
import { fuseGraph } from './fuse-graph.js';
import type { TracedGraph } from './graph.js';
import type { Compiler, Program } from './program.js';
import { layoutOf, type StreamLayout } from './stream-names.js';
import { PROBE_BATCHES, symbolicBatch } from './symbolic-batch.js';
import { traceTapeEndVjp, traceTapeVjp } from './tape-gradients.js';

/** Traces a part of the backbone at a batch size. */
type Trace = (batch: number) => TracedGraph | Promise<TracedGraph>;

/**
 * Compiles the parts of a backbone when they are first needed. A part is traced at two batch sizes; if they differ in
 * shapes only, one program serves every batch size, else each size gets a program of its own.
 */
export class BackbonePrograms {
  readonly #backbone: Backbone;
  readonly #compiler: Compiler;
  /** Undefined where no program serves every batch size. */
  readonly #programs = new Map<string, Promise<Program | undefined>>();
  readonly #layouts = new Map<number, StreamLayout>();
  readonly #outputs = new Map<string, readonly number[]>();

  constructor(backbone: Backbone, compiler: Compiler) {
    this.#backbone = backbone;
    this.#compiler = compiler;
  }

  begin(batch: number): Promise<Program> {
    return this.#program('begin', batch, (size) => traceBegin(this.#backbone, size));
  }

  end(batch: number): Promise<Program> {
    return this.#program('end', batch, (size) => traceEnd(this.#backbone, this.layout(size)));
  }

  compute(branch: Branch, batch: number): Promise<Program> {
    return this.#program(`compute:${branch.index}`, batch, (size) =>
      traceCompute(this.#branchOptions(branch, size)),
    );
  }

  blend(branch: Branch, batch: number, history: HistoryLayout): Promise<Program> {
    return this.#program(`blend:${branch.index}:${keyOf(history)}`, batch, (size) =>
      traceBlend(this.#graphOptions(branch, size), history),
    );
  }

  /** @param run outputs have no shape here: they have that of their branch */
  predict(run: readonly Omit<PredictedBranch, 'output'>[], batch: number): Promise<Program> {
    const keys = run.map(
      ({ branch, history, keep }) => `${branch.index}${keyOf(history)}${keep ? '!' : ''}`,
    );
    return this.#program(`predict:${keys}`, batch, (size) => {
      const branches = run.map((predicted) => ({
        ...predicted,
        output: this.#outputShape(predicted.branch, size),
      }));
      return tracePredict(this.#backbone, this.layout(size), branches);
    });
  }

  vjp(branch: Branch, batch: number, history: HistoryLayout | undefined): Promise<Program> {
    return this.#program(`vjp:${branch.index}:${keyOf(history)}`, batch, (size) => {
      const options = this.#graphOptions(branch, size);
      return orTape(
        () => deriveVjp(traceParts(options, history), options.layout),
        () => traceTapeVjp(options, history),
      );
    });
  }

  endVjp(batch: number): Promise<Program> {
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

  #branchOptions(branch: Branch, batch: number): Omit<BranchGraphOptions, 'output'> {
    return { backbone: this.#backbone, branch, layout: this.layout(batch) };
  }

  #graphOptions(branch: Branch, batch: number): BranchGraphOptions {
    const output = this.#outputShape(branch, batch);
    return { ...this.#branchOptions(branch, batch), output };
  }

  /** The shape of what a branch computes. */
  #outputShape(branch: Branch, batch: number): readonly number[] {
    const key = `${branch.index}:${batch}`;
    const known = this.#outputs.get(key);
    if (known) return known;
    const { outputs } = traceCompute(this.#branchOptions(branch, batch));
    const shape = outputs.find(({ name }) => name === 'output')?.shape ?? [];
    this.#outputs.set(key, shape);
    return shape;
  }

  /** The program for any batch size, or the one for this. */
  async #program(key: string, batch: number, trace: Trace): Promise<Program> {
    const any = await this.#remembered(key, () => this.#compileAnyBatch(trace));
    if (any) return any;
    const own = await this.#remembered(`${key}@${batch}`, async () =>
      this.#compiler.compile(fuseGraph(await trace(batch))),
    );
    return own as Program;
  }

  async #compileAnyBatch(trace: Trace): Promise<Program | undefined> {
    const [small, large] = await Promise.all(
      PROBE_BATCHES.map(async (size) => fuseGraph(await trace(size))),
    );
    const graph = symbolicBatch(small as TracedGraph, large as TracedGraph);
    return graph && this.#compiler.compile(graph);
  }

  #remembered(
    key: string,
    compile: () => Promise<Program | undefined>,
  ): Promise<Program | undefined> {
    const known = this.#programs.get(key);
    if (known) return known;
    const program = compile();
    this.#programs.set(key, program);
    program.catch(() => this.#programs.delete(key));
    return program;
  }
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

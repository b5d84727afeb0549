import {
  type Backbone,
  type Branch,
  ensureGradients,
  HarmonicaError,
  type UnsupportedError,
} from '@harmonica/core';
import { deriveEndVjp, deriveVjp } from './backbone-gradients.js';
import {
  type HistoryLayout,
  type PredictedBranch,
  traceBegin,
  traceBlend,
  traceCompute,
  traceEnd,
  traceParts,
  tracePredict,
} from './backbone-graphs.js';
import type { TracedGraph } from './graph.js';
import type { Compiler, Program } from './program.js';
import type { StreamLayout } from './stream-names.js';
import { traceTapeEndVjp, traceTapeVjp } from './tape-gradients.js';

/** What a step's programs depend on. */
export interface StepShape {
  readonly batch: number;
  readonly layout: StreamLayout;
}

/** Compiles the parts of a backbone when they are first needed, one program for each batch size. */
export class BackbonePrograms {
  readonly #backbone: Backbone;
  readonly #compiler: Compiler;
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(backbone: Backbone, compiler: Compiler) {
    this.#backbone = backbone;
    this.#compiler = compiler;
  }

  begin(batch: number): Promise<Program> {
    return this.#program(`begin:${batch}`, () => traceBegin(this.#backbone, batch));
  }

  end({ batch, layout }: StepShape): Promise<Program> {
    return this.#program(`end:${batch}`, () => traceEnd(this.#backbone, layout));
  }

  compute(branch: Branch, { batch, layout }: StepShape): Promise<Program> {
    return this.#program(`compute:${branch.index}:${batch}`, () =>
      traceCompute({ backbone: this.#backbone, branch, layout }),
    );
  }

  async blend(branch: Branch, step: StepShape, history: HistoryLayout): Promise<Program> {
    const output = await this.outputShape(branch, step);
    const { batch, layout } = step;
    return this.#program(`blend:${branch.index}:${batch}:${keyOf(history)}`, () =>
      traceBlend({ backbone: this.#backbone, branch, layout, output }, history),
    );
  }

  predict({ batch, layout }: StepShape, run: readonly PredictedBranch[]): Promise<Program> {
    const keys = run.map(
      ({ branch, history, keep }) => `${branch.index}${keyOf(history)}${keep ? '!' : ''}`,
    );
    return this.#program(`predict:${batch}:${keys}`, () =>
      tracePredict(this.#backbone, layout, run),
    );
  }

  async vjp(branch: Branch, step: StepShape, history: HistoryLayout | undefined): Promise<Program> {
    const output = await this.outputShape(branch, step);
    const { batch, layout } = step;
    const options = { backbone: this.#backbone, branch, layout, output };
    return this.#program(`vjp:${branch.index}:${batch}:${keyOf(history)}`, () =>
      orTape(
        () => deriveVjp(traceParts(options, history), layout),
        () => traceTapeVjp(options, history),
      ),
    );
  }

  endVjp({ batch, layout }: StepShape, output: readonly number[]): Promise<Program> {
    const backbone = this.#backbone;
    return this.#program(`endVjp:${batch}`, () =>
      orTape(
        () => deriveEndVjp(traceEnd(backbone, layout), layout),
        () => traceTapeEndVjp({ backbone, layout, output }),
      ),
    );
  }

  /** The shape of what a branch computes. */
  async outputShape(branch: Branch, step: StepShape): Promise<readonly number[]> {
    const { outputs } = await this.compute(branch, step);
    return outputs.find(({ name }) => name === 'output')?.shape ?? [];
  }

  #program(key: string, trace: () => TracedGraph | Promise<TracedGraph>): Promise<Program> {
    const known = this.#programs.get(key);
    if (known) return known;
    const program = (async () => this.#compiler.compile(await trace()))();
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
    if (!isUnsupported(error)) throw error;
    await ensureGradients();
    return trace();
  }
}

function isUnsupported(error: unknown): error is UnsupportedError {
  return HarmonicaError.isInstance(error) && error.code === 'unsupported';
}

function keyOf(history: HistoryLayout | undefined): string {
  return history ? `${history.kind}${history.count}` : '';
}

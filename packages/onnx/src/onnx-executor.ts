import {
  type AdvanceResult,
  assertArgument,
  assertCondition,
  assertShape,
  type Backbone,
  type BackboneSpec,
  type BeginInput,
  type Branch,
  type BranchAction,
  type BranchVjp,
  DisposedError,
  type Executor,
  type StreamHandle,
  type ValueHandle,
} from '@harmonica/core';
import { type Tensor, type Tensor3D, type Tensor4D, tensor } from '@tensorflow/tfjs-core';
import { type BackboneProgram, BackbonePrograms } from './backbone-programs.js';
import { HandleTable, type HeldStream, type PooledTensors } from './executor-handles.js';
import { type GraphValue, sizeOf } from './graph.js';
import { type Feeds, type HistoryFeeds, HistorySlabs, historyFeeds } from './history-slabs.js';
import { type OrtRuntime, type OrtTensor, providerNames } from './ort.js';
import { Compiler } from './program.js';
import { loadRuntime, type SessionOptions } from './runtime.js';
import { flatStream, prefixed, unprefixed } from './stream-names.js';
import { shapeAt } from './symbolic-batch.js';
import { fed, type PooledTensor, TensorPool } from './tensor-pool.js';

export interface OnnxExecutorOptions extends SessionOptions {
  /** Not owned: dispose it after the executor. */
  readonly backbone: Backbone;
}

/**
 * Compiles a backbone for ONNX Runtime, branch by branch as they are first used. Branches of equal structure share a
 * session, and weights stay in the memory of the TensorFlow.js backend that holds them, if that is `cpu`.
 *
 * @throws {@link UnsupportedError} if ONNX Runtime is not installed
 */
export async function createOnnxExecutor(options: OnnxExecutorOptions): Promise<Executor> {
  const { backbone, runtime = await loadRuntime(options), ...session } = options;
  return new OnnxExecutor(backbone, runtime, session);
}

class OnnxExecutor implements Executor {
  readonly spec: BackboneSpec;
  readonly engine: string;
  readonly #runtime: OrtRuntime;
  readonly #compiler: Compiler;
  readonly #programs: BackbonePrograms;
  readonly #pool: TensorPool;
  readonly #slabs: HistorySlabs;
  readonly #handles: HandleTable;
  #disposed = false;

  constructor(backbone: Backbone, runtime: OrtRuntime, options: SessionOptions) {
    this.spec = backbone.spec;
    this.engine = describe(options);
    this.#runtime = runtime;
    this.#compiler = new Compiler(runtime, options);
    this.#programs = new BackbonePrograms(backbone, this.#compiler);
    this.#pool = new TensorPool(runtime);
    this.#slabs = new HistorySlabs(runtime);
    this.#handles = new HandleTable(this.#pool, this.#slabs);
  }

  get liveHandles(): number {
    return this.#handles.size;
  }

  async begin({ latent, time, condition }: BeginInput): Promise<StreamHandle> {
    this.#assertUsable();
    const [batch] = latent.shape;
    const { height, width, channels } = this.spec.latent;
    assertShape({ latent }, [batch, height, width, channels]);
    assertCondition(this.spec, condition, batch);
    const program = await this.#programs.begin(batch);
    const times = new this.#runtime.Tensor('float32', new Float32Array(batch).fill(time), [batch]);
    const feeds: Record<string, OrtTensor> = {
      latent: await fed(this.#runtime, latent),
      time: times,
    };
    for (const { name } of this.spec.condition) {
      feeds[`condition.${name}`] = await fed(this.#runtime, condition[name] as Tensor);
    }
    const results = await this.#run(program, { held: {}, feeds, batch });
    const context = { tensors: unprefixed('context', results), batch, users: 0 };
    return this.#handles.holdStream(unprefixed('state', results), context);
  }

  async advance(handle: StreamHandle, actions: readonly BranchAction[]): Promise<AdvanceResult> {
    const { state, context } = this.#stream(handle);
    const outputs: (ValueHandle | undefined)[] = [];
    let current = this.#handles.retain(state);
    try {
      for (const run of runsOf(actions)) {
        const result = await this.#apply({ state: current, context }, run);
        this.#handles.free(current);
        current = result.state;
        outputs.push(...result.outputs);
      }
    } catch (error) {
      this.#handles.free(current);
      this.release(...outputs.filter((output) => output !== undefined));
      throw error;
    }
    return { stream: this.#handles.holdStream(current, context), outputs };
  }

  async end(handle: StreamHandle): Promise<Tensor4D> {
    const stream = this.#stream(handle);
    const program = await this.#programs.end(stream.context.batch);
    return (await this.#readResult(program, stream)) as Tensor4D;
  }

  async endVjp(handle: StreamHandle, gradient: Tensor4D): Promise<ValueHandle> {
    const stream = this.#stream(handle);
    const program = await this.#programs.endVjp(stream.context.batch);
    const upstream = await fed(this.#runtime, gradient);
    const results = await this.#runOn(stream, program, { feeds: { upstream } });
    return this.#handles.holdValue(unprefixed('gradient', results));
  }

  async vjp(handle: StreamHandle, action: BranchAction, gradient: ValueHandle): Promise<BranchVjp> {
    const stream = this.#stream(handle);
    const history = action.history.length > 0 ? this.#history(action) : undefined;
    const program = await this.#programs.vjp(
      this.#branch(action.branch),
      stream.context.batch,
      history?.layout,
    );
    const upstream = prefixed('upstream', this.#handles.value(gradient).tensors);
    const { score, ...gradients } = await this.#runOn(stream, program, {
      held: { ...tensorsIn(stream), ...upstream },
      feeds: { ...history?.feeds(0, 1), score: this.#numbers([action.score], []) },
    });
    const scoreGradient = (score as PooledTensor).tensor.data[0] as number;
    this.#handles.free({ score: score as PooledTensor });
    return {
      gradient: this.#handles.holdValue(unprefixed('gradient', gradients)),
      scoreGradient,
    };
  }

  async readStream(handle: StreamHandle, index?: number): Promise<Tensor3D> {
    const stream = this.#stream(handle);
    if (index === undefined) {
      return (await this.#download(stream.state.tokens as PooledTensor)) as Tensor3D;
    }
    const program = await this.#programs.input(this.#branch(index), stream.context.batch);
    return (await this.#readResult(program, stream)) as Tensor3D;
  }

  async read(handle: ValueHandle): Promise<Tensor> {
    this.#assertUsable();
    const [first] = Object.values(this.#handles.value(handle).tensors) as [PooledTensor];
    return this.#download(first);
  }

  release(...handles: readonly (StreamHandle | ValueHandle)[]): void {
    for (const handle of handles) this.#handles.release(handle);
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#handles.releaseAll();
    this.#pool.clear();
    this.#slabs.clear();
    await this.#compiler.dispose();
  }

  /** Actions that one session runs: some computed or some predicted branches, or a blended one. */
  async #apply(stream: HeldStream, run: readonly BranchAction[]): Promise<RunResult> {
    const [first] = run as [BranchAction];
    if (first.score === 0) return this.#predict(stream, run);
    return first.score === 1 ? this.#compute(stream, run) : this.#blend(stream, first);
  }

  async #compute(stream: HeldStream, run: readonly BranchAction[]): Promise<RunResult> {
    const branches = run.map(({ branch }) => this.#branch(branch));
    const { keep } = run[0] as BranchAction;
    const program = await this.#programs.compute({ branches, keep }, stream.context.batch);
    const places = new Map(branches.map(({ index }, k) => [`output.${k}`, index]));
    const results = await this.#runOn(stream, program, { allocate: this.#slabsFor(places) });
    return this.#runResult(results, run.length);
  }

  async #blend(stream: HeldStream, action: BranchAction): Promise<RunResult> {
    const { layout, feeds } = this.#history(action);
    const { batch } = stream.context;
    const program = await this.#programs.blend(this.#branch(action.branch), batch, layout);
    const results = await this.#runOn(stream, program, {
      feeds: { ...feeds(0, 1 - action.score), score: this.#numbers([action.score], []) },
      skipped: action.keep ? [] : ['output.0'],
      allocate: this.#slabsFor(new Map([['output.0', action.branch]])),
    });
    return this.#runResult(results, 1);
  }

  async #predict(stream: HeldStream, run: readonly BranchAction[]): Promise<RunResult> {
    const histories = run.map((action) => this.#history(action));
    const branches = run.map((action, k) => {
      const { layout } = histories[k] as HistoryFeeds;
      return { branch: this.#branch(action.branch), history: layout, keep: action.keep };
    });
    const program = await this.#programs.predict(branches, stream.context.batch);
    const feeds: Feeds = Object.assign({}, ...histories.map((history, k) => history.feeds(k, 1)));
    const results = await this.#runOn(stream, program, { feeds });
    return this.#runResult(results, run.length);
  }

  /** The state after a run of so many branches, and handles of their outputs where they were kept. */
  #runResult(results: Results, branches: number): RunResult {
    const outputs = Array.from({ length: branches }, (_, k) => {
      const output = results[`output.${k}`];
      return output && this.#handles.holdValue({ output });
    });
    return { state: unprefixed('state', results), outputs };
  }

  /** Finds places for the outputs of branches: beside their earlier ones. */
  #slabsFor(branches: ReadonlyMap<string, number>): NonNullable<RunOptions['allocate']> {
    return (name, shape) => {
      const branch = branches.get(name);
      return branch === undefined ? undefined : this.#slabs.acquire(branch, shape);
    };
  }

  /** The only result of a program that reads a stream. */
  async #readResult(program: BackboneProgram, stream: HeldStream): Promise<Tensor> {
    const [output] = program.outputs as [GraphValue];
    const shape = shapeAt(output.shape, stream.context.batch);
    const values = new Float32Array(sizeOf(shape));
    const result = new this.#runtime.Tensor('float32', values, shape);
    await program.run(inputsOf(program, tensorsOf(tensorsIn(stream))), [result]);
    return tensor(values, [...shape]);
  }

  async #download(held: PooledTensor): Promise<Tensor> {
    const { data } = await this.#compiler.download(held.tensor, held);
    return tensor((data as Float32Array).slice(), [...held.shape]);
  }

  #history(action: BranchAction): HistoryFeeds {
    const [slabs, runtime] = [this.#slabs, this.#runtime];
    const held = action.history.map((handle) => this.#handles.value(handle));
    const tensors = held.map(({ tensors: { output } }) => output as PooledTensor);
    return historyFeeds({ action, tensors, slabs, runtime });
  }

  #numbers(values: readonly number[], shape: number[]): OrtTensor {
    return new this.#runtime.Tensor('float32', Float32Array.from(values), shape);
  }

  #branch(index: number): Branch {
    const branch = this.spec.branches[index];
    const expected = `a branch index in [0, ${this.spec.branches.length - 1}]`;
    assertArgument({ branch: index }, expected, branch);
    return branch;
  }

  /** Runs a program on a stream: its tensors, and further inputs if there are any. */
  #runOn(stream: HeldStream, program: BackboneProgram, options: Partial<RunOptions>) {
    const { batch } = stream.context;
    return this.#run(program, { held: tensorsIn(stream), feeds: {}, batch, ...options });
  }

  async #run(program: BackboneProgram, options: RunOptions): Promise<Results> {
    const { held } = options;
    const made = await this.#outputsOf(program, options);
    for (const { name, source } of program.shared) {
      const tensor = (source.kind === 'input' ? held : made)[source.name] as PooledTensor;
      this.#handles.retain({ tensor });
      made[name] = tensor;
    }
    const present = program.results.filter((name) => name in made);
    return Object.fromEntries(present.map((name) => [name, made[name] as PooledTensor]));
  }

  /** Runs the session of a program: the results that are made. */
  async #outputsOf(program: BackboneProgram, options: RunOptions): Promise<Results> {
    const { held, feeds, batch, skipped = [], allocate } = options;
    const inputs = inputsOf(program, { ...tensorsOf(held), ...feeds });
    const results: Results = {};
    if (program.onDevice) {
      const tensors = await program.run(inputs);
      program.outputs.forEach(({ name, shape, dtype }, i) => {
        const made = tensors[i] as OrtTensor;
        if (skipped.includes(name)) made.dispose();
        else results[name] = { tensor: made, shape: shapeAt(shape, batch), dtype, users: 1 };
      });
      return results;
    }
    const fetches = program.outputs.map(({ name, shape: open, dtype }) => {
      if (skipped.includes(name)) return null;
      const shape = shapeAt(open, batch);
      const own = allocate?.(name, shape);
      const pooled = own ?? this.#pool.acquire(shape, dtype);
      results[name] = pooled;
      return pooled.tensor;
    });
    try {
      await program.run(inputs, fetches);
    } catch (error) {
      this.#handles.free(results);
      throw error;
    }
    return results;
  }

  #stream(handle: StreamHandle): HeldStream {
    this.#assertUsable();
    return this.#handles.stream(handle);
  }

  #assertUsable(): void {
    if (this.#disposed) throw new DisposedError('The onnx executor');
  }
}

type Results = Record<string, PooledTensor>;

interface RunResult {
  readonly state: PooledTensors;
  readonly outputs: readonly (ValueHandle | undefined)[];
}

interface RunOptions {
  /** Inputs that handles hold: results may share them. */
  readonly held: PooledTensors;
  /** All other inputs. */
  readonly feeds: Feeds;
  readonly batch: number;
  /** Results that nobody wants. */
  readonly skipped?: readonly string[];
  /** Finds a place for a result; the pool has one if this has none. */
  readonly allocate?: (name: string, shape: readonly number[]) => PooledTensor | undefined;
}

/** Predicted branches that one session runs at most: enough to save passes, and few enough to be met again. */
const MOST_PREDICTED = 8;

/** Computed ones: more are no faster, and what is between them and their results takes memory. */
const MOST_COMPUTED = 4;

/** Neighbouring branches that are computed alike, or predicted, in groups; a blended one in a group of its own. */
function runsOf(actions: readonly BranchAction[]): BranchAction[][] {
  const runs: BranchAction[][] = [];
  for (const action of actions) {
    const last = runs.at(-1);
    const most = action.score === 0 ? MOST_PREDICTED : MOST_COMPUTED;
    if (last && last.length < most && goTogether(last[0] as BranchAction, action))
      last.push(action);
    else runs.push([action]);
  }
  return runs;
}

function goTogether(first: BranchAction, next: BranchAction): boolean {
  if (first.score !== next.score) return false;
  return next.score === 0 || (next.score === 1 && first.keep === next.keep);
}

/** The tensors of a stream, under their names in graphs. */
function tensorsIn({ state, context }: HeldStream): PooledTensors {
  return flatStream({ state, context: context.tensors });
}

function tensorsOf(pooled: Readonly<Record<string, PooledTensor>>): Record<string, OrtTensor> {
  return Object.fromEntries(Object.entries(pooled).map(([name, { tensor: t }]) => [name, t]));
}

function inputsOf(program: BackboneProgram, feeds: Feeds): OrtTensor[] {
  return program.inputs.map(({ name }) => feeds[name] as OrtTensor);
}

function describe(options: SessionOptions): string {
  const { threads } = options;
  const names = providerNames(options).join(', ');
  return `onnx (${names}${threads === undefined ? '' : `, ${threads} threads`})`;
}

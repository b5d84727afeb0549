import type { Tensor, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { BackboneSpec, Branch, NamedTensors } from './backbone.js';

declare const streamBrand: unique symbol;
declare const valueBrand: unique symbol;

/** A stream between two branches, held by an executor. Opaque; give it back with `release`. */
export interface StreamHandle {
  readonly [streamBrand]: true;
}

/** A tensor held by an executor: a branch output or a gradient. Opaque; give it back with `release`. */
export interface ValueHandle {
  readonly [valueBrand]: true;
  readonly sizeBytes: number;
}

/**
 * What to do with one branch. The output that joins the stream is
 *
 *     score * f(x) + (1 - score) * sum_j coefficients[j] * history[j]
 *
 * `score` 1 computes the branch, 0 predicts it from what is cached (f is not run), and anything between blends the
 * two, as router training does.
 */
export interface BranchAction {
  readonly branch: number;
  /** Router score in [0, 1]. */
  readonly score: number;
  /** Earlier outputs of this branch. Not read when `score` is 1; must not be empty otherwise. */
  readonly history: readonly ValueHandle[];
  /** One coefficient for each entry of `history`. */
  readonly coefficients: readonly number[];
  /** Whether the joined output is handed back, to be cached. */
  readonly keep: boolean;
}

/** `{ branch, score: 1, history: [], coefficients: [], keep }`: run the branch. */
export function computeAction(branch: number, keep: boolean): BranchAction {
  return { branch, score: 1, history: [], coefficients: [], keep };
}

/** Where a stream is after some actions, and what was kept of them. */
export interface AdvanceResult {
  readonly stream: StreamHandle;
  /** For each action the joined output if its `keep` was set. The caller owns these. */
  readonly outputs: readonly (ValueHandle | undefined)[];
}

/** The derivatives of a loss by what went into a branch. */
export interface BranchVjp {
  /** Gradient with respect to the stream's state before the branch. The caller owns it. */
  readonly gradient: ValueHandle;
  /** Derivative of the loss by this action's score, summed over the batch. */
  readonly scoreGradient: number;
}

/** What a run of a model starts from. */
export interface BeginInput {
  /** `[batch, height, width, channels]`. Not disposed. */
  readonly latent: Tensor4D;
  /** Model time, the same for the whole batch. */
  readonly time: number;
  /** Named conditioning tensors, batch first. Not disposed. */
  readonly condition: NamedTensors;
}

/**
 * How a backbone is run: eagerly on the current TensorFlow.js backend, or compiled by an engine. Handles belong to the
 * executor that made them; the caller releases each once. A stream stays valid after `advance` until it is released,
 * so a training loop can keep the input of every branch.
 */
export interface Executor {
  readonly spec: BackboneSpec;
  /** For people, such as `onnx (cpu, 2 threads)`. */
  readonly engine: string;
  /** Makes tokens and context of a latent; the caller releases the stream. */
  begin(input: BeginInput): Promise<StreamHandle>;
  /** Carries a stream through consecutive branches. The given stream is not released. */
  advance(stream: StreamHandle, actions: readonly BranchAction[]): Promise<AdvanceResult>;
  /** The model output `[batch, height, width, outputChannels]`. The caller disposes it; the stream is not released. */
  end(stream: StreamHandle): Promise<Tensor4D>;
  /** Carries `gradient`, a loss derivative by the output of `end`, back to the state before it. */
  endVjp(stream: StreamHandle, gradient: Tensor4D): Promise<ValueHandle>;
  /** Carries `gradient` back through one branch, given the stream before it. Recomputes f; keeps nothing. */
  vjp(stream: StreamHandle, action: BranchAction, gradient: ValueHandle): Promise<BranchVjp>;
  /**
   * Copies the tokens of a stream, or with `branch` what that branch would work on (its norm and modulation applied), to
   * a tensor `[batch, tokens, width]` on the current TensorFlow.js backend. The caller disposes it. For policies and
   * statistics.
   */
  readStream(stream: StreamHandle, branch?: number): Promise<Tensor3D>;
  /** Copies a branch output to a tensor on the current TensorFlow.js backend. For statistics and tests. */
  read(value: ValueHandle): Promise<Tensor>;
  /** Frees what the handles stand for. */
  release(...handles: readonly (StreamHandle | ValueHandle)[]): void;
  /** Handles alive now. Equal before and after any complete run. */
  readonly liveHandles: number;
  /** Frees the engine's copies; the backbone is left alone. */
  dispose(): Promise<void>;
}

/** One row of the decision table: which branches of a step were computed (true) or predicted (false). */
export type Decisions = readonly boolean[];

/** Carries streams through all branches of one sampling run; made fresh for each run, so no state can go stale. */
export interface BranchRunner {
  /** Runs every branch of step `step` (0 is the first, noisiest). Releases the given stream. */
  run(step: number, stream: StreamHandle): Promise<StreamHandle>;
  /** What was decided so far, a row per finished step. */
  readonly decisions: readonly Decisions[];
  /** Releases the outputs that it holds. */
  dispose(): void;
}

/** A way to run branches: all of them, or with a cache. */
export type CacheMethod = (executor: Executor, steps: number) => BranchRunner;

/** The uncached run: every branch of every step is computed. */
export function computeAll(executor: Executor): BranchRunner {
  const actions = executor.spec.branches.map(({ index }) => computeAction(index, false));
  const decisions: Decisions[] = [];
  return {
    decisions,
    async run(step: number, stream: StreamHandle): Promise<StreamHandle> {
      try {
        const result = await executor.advance(stream, actions);
        decisions[step] = actions.map(() => true);
        return result.stream;
      } finally {
        executor.release(stream);
      }
    },
    dispose: () => undefined,
  };
}

/** Numbers about the run that a dynamic policy may look at. */
export interface Probe {
  /**
   * Relative L1 change of what the policy watches, the same for all branches of a step: `sum |now - then| / sum |then|`,
   * at least 0. Absent in step 0, when there is nothing to compare with, and for a policy that watches nothing. What is
   * watched, and since when, is for who runs the policy to say (`Watch` in `@harmonica/router`).
   */
  readonly change?: number;
}

/** Decides one branch at one step. Static policies ignore `probe`. Step 0 always computes everything. */
export interface CachePolicy {
  readonly name: string;
  /** Whether the branch runs at this step, or is predicted from outputs that it had before. */
  decide(step: number, branch: Branch, probe: Probe): 'compute' | 'predict';
}

/**
 * What stands in for a branch that is not computed: a linear combination of its last computed outputs. Numbers only, so
 * every engine runs every predictor.
 */
export interface CachePredictor {
  readonly name: string;
  /** How many computed outputs are read at most. */
  readonly depth: number;
  /**
   * @param step the step to predict
   * @param computed the steps whose outputs are at hand, most recent first, 1 to `depth` of them
   * @returns one coefficient per entry of `computed`
   */
  coefficients(step: number, computed: readonly number[]): readonly number[];
}

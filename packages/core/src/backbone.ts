import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';

/** What a residual branch of a transformer block does. */
export type BranchKind = 'attention' | 'cross-attention' | 'mlp';

/** One cacheable residual branch of a backbone. `index` counts branches in the order they run. */
export interface Branch {
  readonly index: number;
  readonly block: number;
  readonly kind: BranchKind;
}

/** What a denoiser's output stands for: the noise, the clean sample or the velocity. */
export type Prediction = 'epsilon' | 'sample' | 'velocity';

/**
 * How noise comes into the samples that a model was trained on. It fixes what model time counts and which velocity is
 * meant:
 *
 * - `'diffusion'`: `x = a sample + s noise` with `a^2 + s^2 = 1` by a noise schedule. Time is the index of the noise
 *   level, from 0; the velocity is `a noise - s sample` (Salimans and Ho, 2022).
 * - `'flow'`: `x = (1 - sigma) sample + sigma noise` (Lipman et al., 2023). Time is 1000 sigma; the velocity is
 *   `noise - sample`.
 * - `'sit'`: a path from noise at time 0 to samples at time 1 (Ma et al., 2024). The velocity is the derivative of x by
 *   time, on the linear path `sample - noise`.
 */
export type NoiseProcess = 'diffusion' | 'flow' | 'sit';

/** Tensors by name. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

/** One conditioning input of a backbone. `shape` is per sample; the batch dimension comes first. */
export interface ConditionInput {
  readonly name: string;
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
  /** Values are integers below it, from 0, as class labels are. Default: any value. */
  readonly below?: number;
}

/** Everything about a backbone that is not a tensor. Plain JSON. */
export interface BackboneSpec {
  /** For people and provenance, such as `DiT-XL/2`. */
  readonly name: string;
  readonly latent: { readonly height: number; readonly width: number; readonly channels: number };
  /** Channels of the model output: twice the latent's with a learned variance. */
  readonly outputChannels: number;
  readonly prediction: Prediction;
  /** Default `'diffusion'`. */
  readonly process?: NoiseProcess;
  readonly tokens: { readonly count: number; readonly width: number };
  readonly condition: readonly ConditionInput[];
  /** Per-sample values of the unconditional input for guidance, by input name, flattened. */
  readonly nullCondition?: Readonly<Record<string, readonly number[]>>;
  readonly branches: readonly Branch[];
  /** Multiply-accumulate operations of one sample. */
  readonly macs: {
    readonly begin: number;
    readonly branches: readonly number[];
    readonly end: number;
  };
}

/**
 * What flows through the branches. `state` is what branches change (for DiT: `tokens`, `[batch, tokens, width]`) and
 * what gradients flow through; `context` is fixed within a step (for DiT: one modulation tensor per block).
 */
export interface Stream {
  readonly state: NamedTensors;
  readonly context: NamedTensors;
}

/**
 * The mathematics of a frozen denoiser, in TensorFlow.js ops. Pure: no cache, no state, nothing kept between calls.
 * Methods run inside a `tf.tidy` of their caller, who owns what they return.
 */
export interface Backbone {
  readonly spec: BackboneSpec;
  /** `latent` `[batch, height, width, channels]`, `time` `[batch]`: tokens and per-step context. */
  begin(latent: Tensor4D, time: Tensor1D, condition: NamedTensors): Stream;
  /** What the branch works on: the tokens after its norm and modulation. `[batch, tokens, width]`. */
  input(branch: Branch, stream: Stream): Tensor;
  /** The branch's output before its gate: this is what is cached. `[batch, tokens, width]`. */
  compute(branch: Branch, stream: Stream): Tensor;
  /** The state after the branch's output joined it, with the gate of this step. */
  merge(branch: Branch, stream: Stream, output: Tensor): NamedTensors;
  /** The model output, `[batch, height, width, outputChannels]`. */
  end(stream: Stream): Tensor4D;
  /** Frees the weights. */
  dispose(): void;
}

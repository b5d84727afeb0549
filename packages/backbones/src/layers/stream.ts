import {
  assertArgument,
  assertCondition,
  assertShape,
  type Backbone,
  type BackboneSpec,
  type Branch,
  type BranchKind,
  type NamedTensors,
  type Stream,
} from '@harmonica/core';
import {
  type Rank,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';

/** The tokens of a stream, `[B, L, D]`. */
export function tokensOf({ state }: Stream): Tensor {
  return state.tokens as Tensor;
}

/**
 * One tensor of a stream's context.
 *
 * @throws {@link InvalidArgumentError} if the stream was not made by this backbone
 */
export function contextOf<R extends Rank = Rank>({ context }: Stream, name: string): Tensor<R> {
  const found = context[name];
  const expected = `an entry ${name}, as begin of this backbone makes it`;
  assertArgument({ 'stream.context': Object.keys(context).join(', ') }, expected, found);
  return found as Tensor<R>;
}

/** Throws {@link InvalidArgumentError} for a branch of a kind that the backbone does not have. */
export function assertBranchKind({ branches, name }: BackboneSpec, { kind }: Branch): void {
  const kinds = [...new Set(branches.map((branch) => branch.kind))];
  assertArgument(
    { 'branch.kind': kind },
    `a branch of ${name}: ${kinds.join(' or ')}`,
    kinds.includes(kind),
  );
}

interface BeginInput {
  readonly spec: BackboneSpec;
  readonly latent: Tensor4D;
  readonly time: Tensor1D;
  readonly condition: NamedTensors;
}

/**
 * Checks what a backbone's `begin` is given against its spec.
 *
 * @throws {@link ShapeError}, {@link DTypeError}, {@link InvalidArgumentError}
 */
export function assertBeginInput({ spec, latent, time, condition }: BeginInput): void {
  const { height, width, channels } = spec.latent;
  const [batch] = latent.shape;
  assertShape({ latent }, [null, height, width, channels]);
  assertShape({ time }, [batch]);
  assertCondition(spec, condition, batch);
}

/** Name of the conditioning input that holds class labels, int32. */
export const LABELS = 'labels';

/** Name of the conditioning input that holds the embeddings of a caption's tokens. */
export const CAPTION = 'caption';

/** Name of the conditioning input that is 1 for tokens of the caption and 0 for padding, int32. */
export const CAPTION_MASK = 'captionMask';

/** Name of the conditioning input that holds height and width of the image in pixels. */
export const RESOLUTION = 'resolution';

/** Name of the conditioning input that holds the image's height divided by its width. */
export const ASPECT_RATIO = 'aspectRatio';

/** Options of {@link classLabels}. */
export interface ClassLabelsOptions {
  /** Of a DiT, a SiT or a U-ViT. */
  readonly config: {
    readonly name: string;
    readonly numClasses: number;
    /** Whether label `numClasses` is the null class. Default true. */
    readonly nullClass?: boolean;
  };
  /** One class per sample, each in [0, numClasses); and `numClasses` for the null class, if there is one. */
  readonly labels: readonly number[];
}

/**
 * The condition of a class-conditional model: `{ labels }`, int32 `[B]`. Engines differ in what they do with a label out
 * of range, so it is refused here.
 *
 * @returns a tensor that the caller disposes
 * @throws {@link InvalidArgumentError} naming the first label that is no class of the model
 */
export function classLabels({ config, labels }: ClassLabelsOptions): NamedTensors {
  const { name, numClasses, nullClass = true } = config;
  const largest = nullClass ? numClasses : numClasses - 1;
  const orNull = nullClass ? `, or ${numClasses} for the null class` : '';
  const expected = `a class of ${name}: an integer in [0, ${numClasses - 1}]${orNull}`;
  for (const [i, label] of labels.entries()) {
    const isClass = Number.isInteger(label) && label >= 0 && label <= largest;
    assertArgument({ [`labels[${i}]`]: label }, expected, isClass);
  }
  return { [LABELS]: tensor1d([...labels], 'int32') };
}

interface BlockBranchesOptions {
  readonly blocks: number;
  /** The branches of one block, in the order they run. */
  readonly kinds: readonly BranchKind[];
}

/** The branches of equal blocks, numbered in the order they run. */
export function blockBranches({ blocks, kinds }: BlockBranchesOptions): Branch[] {
  return Array.from({ length: blocks }, (_, block) => kinds.map((kind) => ({ block, kind })))
    .flat()
    .map((branch, index) => ({ index, ...branch }));
}

/**
 * The long skips of a U-shaped network in the state of a stream: `skip.0` is the latest, `skip.<count - 1>` the oldest.
 * A stack that is not full holds what it was made with, or what was read before; nothing depends on either.
 */
type SkipStack = NamedTensors;

/** A stack of `count` entries that hold `placeholder`. */
export function skipStack(placeholder: Tensor, count: number): SkipStack {
  return named(Array.from({ length: count }, () => placeholder));
}

/** The stack with `x` as its latest entry and without its oldest. */
export function pushSkip(state: NamedTensors, x: Tensor): SkipStack {
  return named([x, ...entriesOf(state).slice(0, -1)]);
}

/** The latest entry, and the stack without it. */
export function popSkip(state: NamedTensors): { skips: SkipStack; latest: Tensor } {
  const entries = entriesOf(state);
  const [latest, ...others] = entries;
  return { latest: latest as Tensor, skips: named([...others, entries.at(-1) as Tensor]) };
}

/** The entries of the stack in a state, latest first. */
function entriesOf(state: NamedTensors): Tensor[] {
  const count = Object.keys(state).filter((name) => name.startsWith('skip.')).length;
  return Array.from({ length: count }, (_, i) => state[`skip.${i}`] as Tensor);
}

function named(entries: readonly Tensor[]): SkipStack {
  return Object.fromEntries(entries.map((entry, i) => [`skip.${i}`, entry]));
}

/** Options of {@link forward}. */
export interface ForwardOptions {
  readonly backbone: Backbone;
  /** `[B, H, W, C]`. Not disposed. */
  readonly latent: Tensor4D;
  /** Model time of each sample, `[B]`. Not disposed. */
  readonly time: Tensor1D;
  /** Named conditioning tensors, batch first. Not disposed. */
  readonly condition: NamedTensors;
}

/**
 * Runs a backbone from latent to output with every branch computed, eagerly on the current TensorFlow.js backend.
 *
 * @returns `[B, H, W, outputChannels]`; the caller disposes it
 */
export function forward({ backbone, latent, time, condition }: ForwardOptions): Tensor4D {
  return tidy(() => {
    let stream = backbone.begin(latent, time, condition);
    for (const branch of backbone.spec.branches) {
      const output = backbone.compute(branch, stream);
      stream = { ...stream, state: backbone.merge(branch, stream, output) };
    }
    return backbone.end(stream);
  });
}

import { captionCondition, type PromptEmbeddings, type StoredPrompts } from '@harmonica/backbones';
import {
  assertArgument,
  assertCount,
  type BackboneSpec,
  createRng,
  type Guidance,
  InvalidArgumentError,
  type NamedTensors,
  type Rng,
} from '@harmonica/core';
import {
  dispose,
  gather,
  type Tensor,
  tensor1d,
  tensor2d,
  tensor3d,
  tidy,
} from '@tensorflow/tfjs-core';

/** What images of a model can be of: classes, prompts, or nothing in particular. Each has a number, its label. */
export interface Conditions {
  /** Without the null class. */
  readonly count: number;
  /** `hashFiles` of the prompts. Absent if conditions depend on labels alone. */
  readonly sha256?: string | undefined;
  /** @throws {@link InvalidArgumentError} if there is no such condition */
  labelOf(name: string): number;
  /** What a label is called. */
  nameOf(label: number): string;
  /** The model's condition, one row for each label. The caller disposes it. */
  condition(labels: readonly number[]): NamedTensors;
  /** The same of the unconditional half of guidance. Absent if the model has a null condition of its own. */
  unconditional?(labels: readonly number[]): NamedTensors;
  /** Frees the prompts. */
  dispose(): void;
}

/** Conditions that are known by number only: `class-7`, `prompt-0`. */
type NumberedNames = Pick<Conditions, 'count' | 'labelOf' | 'nameOf'>;

/** Options of {@link classConditions}. */
export interface ClassConditionsOptions {
  readonly count: number;
  /** Default: by number, as those of the published models. */
  readonly names?: Pick<Conditions, 'labelOf' | 'nameOf'>;
}

/** The classes of a class-conditional model. */
export function classConditions({ count, names }: ClassConditionsOptions): Conditions {
  return {
    ...numbered({ kind: 'class', count }),
    ...names,
    condition: (labels) => ({ labels: tensor1d(checkedLabels(labels, count), 'int32') }),
    dispose: () => {},
  };
}

/** A tensor of integers would take the number that is not one for class 0. */
function checkedLabels(labels: readonly number[], count: number): number[] {
  return labels.map((label, i) => {
    assertCount({ argument: `labels[${i}]`, value: label, least: 0, most: count - 1 });
    return label;
  });
}

/** The one condition of a model without conditions. */
export function singleCondition(): Conditions {
  return { ...numbered({ kind: 'image', count: 1 }), condition: () => ({}), dispose: () => {} };
}

/** Options of {@link promptConditions}. */
interface PromptConditionsOptions {
  /** Of the model. */
  readonly spec: BackboneSpec;
  /** Disposed with the conditions. */
  readonly prompts: StoredPrompts;
  /** `hashFiles` of the file that they come from. Default: they come from none. */
  readonly sha256?: string | undefined;
}

/** Prompts of a text-to-image model, in the order of their file; negative prompts belong to them one by one, or one to all. */
export function promptConditions({ spec, prompts, sha256 }: PromptConditionsOptions): Conditions {
  const { positive, negative } = prompts;
  const [count] = positive.embeddings.shape;
  const conditionOf = (of: PromptEmbeddings) => (labels: readonly number[]) =>
    tidy(() => {
      const chosenRows = checkedLabels(labels, count);
      const isShared = of.embeddings.shape[0] === 1;
      const rows = tensor1d(isShared ? chosenRows.fill(0) : chosenRows, 'int32');
      const chosen = {
        embeddings: gather(of.embeddings, rows),
        mask: gather(of.mask, rows),
      };
      return captionCondition({ spec, prompts: chosen }) as Record<string, never>;
    });
  return {
    ...numbered({ kind: 'prompt', count }),
    sha256,
    condition: conditionOf(positive),
    unconditional: negative ? conditionOf(negative) : missingNegatives,
    dispose: () => {
      for (const { embeddings, mask } of negative ? [positive, negative] : [positive]) {
        dispose([embeddings, mask]);
      }
    },
  };
}

/** One random prompt that fills every token, and a negative one, for benchmarks. */
export function randomPrompts({ condition }: BackboneSpec): StoredPrompts {
  const [tokens = 1, channels = 1] = condition[0]?.shape ?? [];
  const [positive, negative] = [0, 1].map((stream): PromptEmbeddings => {
    const values = createRng({ seed: 0, stream }).fillNormal(new Float32Array(tokens * channels));
    return {
      embeddings: tensor3d(values, [1, tokens, channels]),
      mask: tensor2d(new Int32Array(tokens).fill(1), [1, tokens], 'int32'),
    };
  }) as [PromptEmbeddings, PromptEmbeddings];
  return { positive, negative };
}

function numbered({ kind, count }: { kind: string; count: number }): NumberedNames {
  return {
    count,
    nameOf: (label) => `${kind}-${label}`,
    labelOf(name) {
      const label = Number(name.startsWith(`${kind}-`) ? name.slice(kind.length + 1) : name);
      const isNumber = /\d$/.test(name) && Number.isInteger(label) && label >= 0 && label < count;
      assertArgument({ [kind]: name }, `a ${kind} number in [0, ${count - 1}]`, isNumber);
      return label;
    },
  };
}

function missingNegatives(): never {
  throw new InvalidArgumentError({
    argument: 'promptsFile',
    value: undefined,
    expected: 'negative prompts beside the prompts, because guidance needs them',
    fix: 'Store negative_prompt_embeds and negative_prompt_attention_mask, or sample without guidance (1).',
  });
}

/** Options of {@link trainingInputs}. */
export interface TrainingInputsOptions {
  readonly conditions: Conditions;
  readonly guidance?: Guidance | undefined;
  readonly batchSize: number;
}

/** What a trainer draws its batches from. */
export interface TrainingInputs {
  /** The condition of a batch of `size` samples. */
  readonly drawCondition: (rng: Rng, size: number) => NamedTensors;
  readonly guidance?: Guidance;
  /** Frees the unconditional half. */
  dispose(): void;
}

/**
 * Conditions of training: conditions with equal chances. The unconditional half, where it is one of its own, takes all
 * conditions in turn.
 */
export function trainingInputs(options: TrainingInputsOptions): TrainingInputs {
  const { conditions, guidance, batchSize } = options;
  const turns = Array.from({ length: batchSize }, (_, i) => i % conditions.count);
  const unconditional = guidance && conditions.unconditional?.(turns);
  return {
    drawCondition: (rng, size) =>
      conditions.condition(Array.from({ length: size }, () => rng.integer(conditions.count))),
    ...(guidance && { guidance: { ...guidance, ...(unconditional && { unconditional }) } }),
    dispose: () => {
      dispose((unconditional ?? {}) as Record<string, Tensor>);
    },
  };
}

import { type BackboneSpec, type Branch, InvalidArgumentError, type Stream } from '@harmonica/core';
import type { Rank, Tensor } from '@tensorflow/tfjs-core';

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
  if (!found) {
    throw new InvalidArgumentError({
      argument: 'stream.context',
      value: Object.keys(context).join(', '),
      expected: `an entry ${name}, as begin of this backbone makes it`,
    });
  }
  return found as Tensor<R>;
}

/** Throws {@link InvalidArgumentError} for a branch of a kind that the backbone does not have. */
export function assertBranchKind({ branches, name }: BackboneSpec, { kind }: Branch): void {
  const kinds = [...new Set(branches.map((branch) => branch.kind))];
  if (kinds.includes(kind)) return;
  throw new InvalidArgumentError({
    argument: 'branch.kind',
    value: kind,
    expected: `a branch of ${name}: ${kinds.join(' or ')}`,
  });
}

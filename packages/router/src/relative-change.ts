import { abs, sub, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';

/**
 * Relative L1 distance of tensors of one shape: `sum |value - base| / sum |base|`. Equal tensors have distance 0, zeros
 * among them.
 *
 * @param pairs several pairs are taken as one tensor each. Not disposed.
 * @returns at least 0; infinite if only `base` is all zeros.
 */
export async function relativeChange(
  pairs: readonly { readonly value: Tensor; readonly base: Tensor }[],
): Promise<number> {
  const parts = tidy(() =>
    pairs.map(({ value, base }) => ({
      distance: sum(abs(sub(value, base))),
      size: sum(abs(base)),
    })),
  );
  let distance = 0;
  let size = 0;
  for (const part of parts) {
    distance += await read(part.distance);
    size += await read(part.size);
  }
  return distance === 0 ? 0 : distance / size;
}

async function read(scalar: Tensor): Promise<number> {
  const [value] = await scalar.data();
  scalar.dispose();
  return value as number;
}

import { add, div, mean, norm, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** Keeps tokens that are all zeros from dividing by 0, as in diffusers. */
const EPSILON = 1e-8;

/**
 * How much longer the token vectors of one tensor are than those of another: the mean over batch and tokens of
 * `|value| / (|base| + 1e-8)`, with Euclidean norms over the last axis.
 *
 * @param value `[B, L, D]`. Not disposed.
 * @param base of the same shape. Not disposed.
 */
export async function magnitudeRatio(value: Tensor, base: Tensor): Promise<number> {
  const ratio = tidy(() =>
    mean(div(norm(value, 'euclidean', -1), add(norm(base, 'euclidean', -1), EPSILON))),
  );
  const [result] = await ratio.data();
  ratio.dispose();
  return result as number;
}

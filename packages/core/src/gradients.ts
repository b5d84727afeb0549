import { engine, getGradient, type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { UnsupportedError } from './errors.js';

/**
 * Makes sure that TensorFlow.js can differentiate. `@tensorflow/tfjs-core` alone has no gradients; `@tensorflow/tfjs`
 * registers them, so it is loaded if nothing has done so. Executors call this before any vector-Jacobian product.
 *
 * @throws {@link UnsupportedError} if there are no gradients and `@tensorflow/tfjs` is not installed
 */
export async function ensureGradients(): Promise<void> {
  if (getGradient('Reshape')) return;
  try {
    await import('@tensorflow/tfjs');
  } catch (cause) {
    throw new UnsupportedError({
      feature: 'gradients',
      engine: '@tensorflow/tfjs-core',
      fix: 'Install @tensorflow/tfjs, which registers them.',
      cause,
    });
  }
}

/** Options of {@link gradientsOf}. */
export interface GradientsOfOptions {
  /** A differentiable function of as many tensors as there are in `at`. */
  readonly f: (...at: readonly Tensor[]) => Tensor;
  /** Where to differentiate. Not disposed. */
  readonly at: readonly Tensor[];
  /** Derivative of a loss by the result of `f`, of its shape. Not disposed. Default: ones. */
  readonly upstream?: Tensor;
}

/**
 * Derivatives of `<upstream, f(at)>` by every tensor of `at`. Where the result does not depend on one they are zeros,
 * unlike `grads` of TensorFlow.js, which throws: a branch need not touch the whole state of its stream. Needs
 * {@link ensureGradients}.
 *
 * @returns one tensor of the shape of each of `at`; the caller owns them
 */
export function gradientsOf({ f, at, upstream }: GradientsOfOptions): Tensor[] {
  const noneAllowed = true;
  return tidy(() => {
    const found = engine().gradients(() => f(...at), [...at], upstream, noneAllowed);
    const gradients: readonly (Tensor | undefined)[] = found.grads;
    // A clone, because a derivative may be `upstream` itself.
    return at.map((x, i) => gradients[i]?.clone() ?? zerosLike(x));
  });
}

import { getGradient } from '@tensorflow/tfjs-core';
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

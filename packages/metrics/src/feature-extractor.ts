import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { ExtractorIdentity } from './feature-set.js';

/** Outputs of an extractor by name, each `[B, dimension]`. */
export type ExtractedFeatures = Readonly<Record<string, Tensor2D>>;

/** A frozen network that makes feature vectors of images, in TensorFlow.js ops. Pure: nothing is kept between calls. */
export interface FeatureExtractor {
  /** Stands beside every result. */
  readonly identity: ExtractorIdentity;
  /** Height and width in pixels to which images are resized. */
  readonly imageSize: number;
  /**
   * Numbers for each image, by output: usually `features` for FID, KID, precision and recall, `spatial` for sFID,
   * `logits` for the inception score.
   */
  readonly outputs: Readonly<Record<string, number>>;
  /**
   * Runs on the current TensorFlow.js backend, and can be traced and compiled.
   *
   * @param images `[B, H, W, 3]`, RGB in [0, 255], of any size. Not disposed.
   * @returns one tensor for each of `outputs`; the caller disposes them
   * @throws {@link ShapeError}, {@link DisposedError}
   */
  extract(images: Tensor4D): ExtractedFeatures;
  /** Frees the weights. */
  dispose(): void;
}

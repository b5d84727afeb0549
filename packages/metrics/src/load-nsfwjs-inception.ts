import { CheckpointError, UnsupportedError } from '@harmonica/core';
import { concatBytes } from '@noble/hashes/utils.js';
import type { io } from '@tensorflow/tfjs-core';
import type { FeatureExtractor } from './feature-extractor.js';
import { type LoadKerasInceptionOptions, loadKerasInception } from './load-keras-inception.js';

/** What {@link loadNsfwjsInception} needs. */
export type LoadNsfwjsInceptionOptions = Pick<LoadKerasInceptionOptions, 'onProgress' | 'signal'>;

/** Stands beside every result, so that nobody takes it for that of the literature's network. */
const NAME = 'nsfwjs Inception';

/**
 * Loads the Inception v3 that the npm package `nsfwjs` (MIT, optional peer) carries: 8-bit weights of a classifier of
 * five kinds of pictures. It needs no download, and its distances rank sets of images; they are not those of the
 * literature, which {@link loadInception} makes.
 *
 * @returns an extractor whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link UnsupportedError} if `nsfwjs` is not installed
 * @throws {@link CheckpointError} if its files are not what they were
 * @throws {@link AbortedError}
 */
export async function loadNsfwjsInception(
  options: LoadNsfwjsInceptionOptions = {},
): Promise<FeatureExtractor> {
  const { modelJson, weightBundles } = await importModel();
  const { default: model } = await modelJson();
  const parts: Uint8Array[] = [];
  for (const bundle of weightBundles) parts.push(fromBase64((await bundle()).default));
  const manifest = model.weightsManifest ?? [];
  const artifacts = {
    modelTopology: model.modelTopology,
    weightSpecs: manifest.flatMap(({ weights }) => weights),
    weightData: concatBytes(...parts).buffer as ArrayBuffer,
  };
  return loadKerasInception({
    ...options,
    artifacts,
    name: NAME,
    pixels: { shift: 0, scale: 255 },
  });
}

/** What `nsfwjs/models/inception_v3` exports. */
interface NsfwjsModel {
  modelJson(): Promise<{ readonly default: io.ModelJSON }>;
  /** In base64. */
  readonly weightBundles: readonly (() => Promise<{ readonly default: string }>)[];
}

async function importModel(): Promise<NsfwjsModel> {
  let exported: { readonly InceptionV3Model?: unknown };
  try {
    exported = await import('nsfwjs/models/inception_v3');
  } catch (cause) {
    throw new UnsupportedError({
      feature: 'the default feature extractor without nsfwjs',
      engine: '@harmonica/metrics',
      fix: 'Install it: npm install nsfwjs; or load the common Inception checkpoint from a file.',
      cause,
    });
  }
  const { InceptionV3Model: model } = exported;
  if (model) return model as NsfwjsModel;
  throw new CheckpointError({
    path: 'nsfwjs/models/inception_v3',
    problem: 'has no InceptionV3Model',
    fix: 'Install nsfwjs 4.3 or a later 4.',
  });
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

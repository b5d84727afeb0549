import { loadGoldenManifest } from './golden-manifest.js';

/** Shape of the small DiT that every golden was made with, in the terms of `@harmonica/backbones`. */
export interface GoldenDitShape {
  readonly name: string;
  readonly depth: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly patchSize: number;
  readonly mlpRatio: number;
  readonly inputSize: number;
  readonly inChannels: number;
  readonly numClasses: number;
  readonly learnSigma: boolean;
}

/** The configuration to load `goldenWeightSource()` with. */
export function goldenDitConfig(): GoldenDitShape {
  const { config } = loadGoldenManifest().weights;
  return {
    name: 'golden',
    depth: config.depth,
    hiddenSize: config.hidden_size,
    heads: config.num_heads,
    patchSize: config.patch_size,
    mlpRatio: 4,
    inputSize: config.input_size,
    inChannels: config.in_channels,
    numClasses: config.num_classes,
    learnSigma: config.learn_sigma,
  };
}

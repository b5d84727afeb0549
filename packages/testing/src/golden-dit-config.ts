import { loadGoldenManifest } from './golden-manifest.js';

/** The small DiT that every golden was made with, in the terms of `@harmonica/backbones`. Load `goldenWeightSource()` with it. */
export function goldenDitConfig() {
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

import type { BackboneSpec } from '@harmonica/core';
import { ditSpec } from './dit-spec.js';
import type { SitConfig } from './sit-config.js';

/**
 * What a SiT of this configuration takes, gives and costs. Its time runs from 0, noise, to 1, data, and what it predicts
 * is the derivative of the latent by that time.
 *
 * @throws {@link InvalidArgumentError}
 */
export function sitSpec(config: SitConfig): BackboneSpec {
  const dit = ditSpec({ ...config, learnSigma: false });
  return { ...dit, prediction: 'velocity', process: 'sit' };
}

import { ditParameters } from './dit-parameters.js';
import type { Parameter } from './parameter.js';
import type { SitConfig } from './sit-config.js';

/**
 * Every trained tensor of a SiT under its official name. Of a last layer with unused channels only the used half is
 * loaded.
 */
export function sitParameters(config: SitConfig): Parameter[] {
  const { inChannels, learnSigma } = config;
  const stored = ditParameters(config);
  if (!learnSigma) return stored;
  const loaded = ditParameters({ ...config, learnSigma: false });
  const rows = { period: 2 * inChannels, kept: inChannels };
  return stored.map((parameter, i) => {
    const { shape } = loaded[i] as Parameter;
    return shape.join() === parameter.shape.join() ? parameter : { ...parameter, shape, rows };
  });
}

import { InvalidArgumentError } from '@harmonica/core';
import { DIT_SIZES, type DitConfig, type DitSize, ditConfig } from './dit-config.js';

/**
 * Everything that shapes a SiT (Ma et al., 2024): a DiT that predicts the velocity. With `learnSigma` the last layer of
 * its checkpoints makes a second half of channels, which is never used.
 */
export type SitConfig = DitConfig;

/** A published size and patch size. */
export type SitSize = DitSize extends `DiT-${infer Size}` ? `SiT-${Size}` : never;

/** The twelve sizes, smallest first; they are those of DiT. */
export const SIT_SIZES: readonly SitSize[] = DIT_SIZES.map(
  (size) => size.replace('DiT', 'SiT') as SitSize,
);

/**
 * The configuration of a size.
 *
 * @param overrides fields that differ from the published ImageNet 256 x 256 model, as in `ditConfig`. The published
 *   512 x 512 model has `inputSize` 64 and `learnSigma` false
 * @throws {@link InvalidArgumentError}
 */
export function sitConfig(size: SitSize, overrides: Partial<SitConfig> = {}): SitConfig {
  if (!SIT_SIZES.includes(size)) {
    throw new InvalidArgumentError({
      argument: 'size',
      value: size,
      expected: `one of ${SIT_SIZES.join(', ')}`,
      fix: 'For another architecture write a SitConfig out in full.',
    });
  }
  return ditConfig(size.replace('SiT', 'DiT') as DitSize, { name: size, ...overrides });
}

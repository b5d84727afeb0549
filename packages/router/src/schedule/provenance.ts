import {
  type BackboneSpec,
  DEFAULT_GUIDED_CHANNELS,
  type Guidance,
  type Provenance,
  planFingerprint,
  type SamplerPlan,
} from '@harmonica/core';

/** A sampling run, as far as a router depends on it. */
export interface RunSetting {
  /** The model's spec. */
  readonly spec: BackboneSpec;
  /** SHA-256 of the model's weights, 64 hexadecimal digits. */
  readonly modelSha256: string;
  readonly plan: SamplerPlan;
  /** Without it only the conditional model runs, recorded as a scale of 1. */
  readonly guidance?: Pick<Guidance, 'scale' | 'channels'> | undefined;
}

/**
 * The provenance of a router or schedule that is made for a run.
 *
 * @param setting the run, and a free record of how training went, if there was any.
 */
export function createProvenance(
  setting: RunSetting & { readonly training?: Provenance['training'] },
): Provenance {
  const { spec, modelSha256, plan, guidance, training } = setting;
  const { scale = 1, channels = DEFAULT_GUIDED_CHANNELS } = guidance ?? {};
  const { height, width, channels: latentChannels } = spec.latent;
  return {
    model: { name: spec.name, sha256: modelSha256 },
    sampler: {
      name: plan.sampler,
      steps: plan.steps.length,
      planSha256: planFingerprint(plan),
    },
    guidance: { scale, channels },
    latent: { height, width, channels: latentChannels },
    ...(training && { training }),
  };
}

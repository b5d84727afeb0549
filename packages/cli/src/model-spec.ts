import { join } from 'node:path';
import { DIT_SIZES, type DitConfig, ditSpec } from '@harmonica/backbones';
import { type BackboneSpec, InvalidArgumentError, type Provenance } from '@harmonica/core';
import { emojiDitConfig } from '@harmonica/emoji-dit';
import { readDitConfig } from './dit-config-file.js';
import { isFile } from './is-file.js';

/** Options of {@link modelSpec}. */
export interface ModelSpecOptions {
  /**
   * `emoji-dit`, a folder like its weights, a published size such as `DiT-XL/2`, or a file as `readDitConfig` takes it.
   * Default: the model in the provenance.
   */
  readonly model?: string | undefined;
  readonly provenance?: Pick<Provenance, 'model' | 'latent'> | undefined;
  /** Of a published size or a file. Default: the provenance's, else the architecture's own. */
  readonly latent?: { readonly height: number; readonly channels: number } | undefined;
}

/**
 * The spec of a model without its weights, for branches and costs.
 *
 * @throws {@link InvalidArgumentError} if the model is not known by its name
 */
export async function modelSpec(options: ModelSpecOptions): Promise<BackboneSpec> {
  return ditSpec(await modelConfig(options));
}

/** The configuration of a model without its weights. @throws as {@link modelSpec} */
export async function modelConfig(options: ModelSpecOptions): Promise<DitConfig> {
  const { provenance, model = provenance?.model.name } = options;
  const { latent = provenance?.latent } = options;
  if (model === 'emoji-dit') return (await emojiDitConfig()).dit;
  if (model !== undefined && (await isFile(join(model, 'config.json')))) {
    return (await emojiDitConfig(model)).dit;
  }
  if (model !== undefined && isDit(model)) {
    const config = await readDitConfig(model);
    return { ...config, ...(latent && { inputSize: latent.height, inChannels: latent.channels }) };
  }
  throw new InvalidArgumentError({
    argument: '--model',
    value: model,
    expected: `emoji-dit, a folder like its weights, a .json file, or one of ${DIT_SIZES.join(', ')}`,
    fix: 'Branches and costs come from the model; say which one it is.',
  });
}

function isDit(model: string): boolean {
  return model.endsWith('.json') || DIT_SIZES.some((size) => size === model);
}

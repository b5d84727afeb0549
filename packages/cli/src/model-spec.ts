import { type BackboneSpec, InvalidArgumentError, type Provenance } from '@harmonica/core';
import { emojiDitConfig } from '@harmonica/emoji-dit';
import { type Architecture, architectureOf, type LatentSize } from './architecture.js';
import { type FoundModel, findModel } from './find-model.js';
import { publishedArchitecture } from './published-architectures.js';
import { readArchitecture } from './read-architecture.js';

/** Options of {@link modelSpec}. */
export interface ModelSpecOptions {
  /** As `findModel` takes it, or a JSON file as `readArchitecture` does. Default: the model in the provenance. */
  readonly model?: string | undefined;
  readonly provenance?: Pick<Provenance, 'model' | 'latent'> | undefined;
  /** Of a published model or a JSON file. Default: the provenance's, else the architecture's own. */
  readonly latent?: LatentSize | undefined;
}

/**
 * The spec of a model without its weights, for branches and costs.
 *
 * @throws {@link InvalidArgumentError} if the model is not known by its name
 */
export async function modelSpec(options: ModelSpecOptions): Promise<BackboneSpec> {
  return (await modelArchitecture(options)).spec;
}

/** The architecture of a model without its weights. @throws as {@link modelSpec}, and as `findModel` */
export async function modelArchitecture(options: ModelSpecOptions): Promise<Architecture> {
  const { provenance, model = provenance?.model.name } = options;
  const { latent = provenance?.latent } = options;
  if (model !== undefined && (publishedArchitecture(model) || model.endsWith('.json'))) {
    const architecture = await readArchitecture(model);
    return latent ? architecture.resized(latent) : architecture;
  }
  if (model !== undefined && (model === 'emoji-dit' || options.model !== undefined)) {
    return foundArchitecture(await findModel({ model }));
  }
  throw new InvalidArgumentError({
    argument: '--model',
    value: model,
    expected: 'emoji-dit, a published model such as DiT-XL/2, a folder or a .json file',
    fix: 'Branches and costs come from the model; say which one it is.',
  });
}

async function foundArchitecture(found: FoundModel): Promise<Architecture> {
  if (found.kind !== 'emoji-dit') return found.architecture;
  return architectureOf('dit', (await emojiDitConfig(found.folder)).dit);
}

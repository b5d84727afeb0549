import { basename } from 'node:path';
import {
  ditConfig,
  ditConfigOf,
  pixartConfig,
  pixartConfigOf,
  sitConfig,
  uvitConfig,
} from '@harmonica/backbones';
import { InvalidArgumentError, parseJson } from '@harmonica/core';
import type { JsonObject } from '@harmonica/weights';
import { z } from 'zod';
import {
  type Architecture,
  architectureOf,
  type FamilyConfigs,
  type FamilyName,
} from './architecture.js';
import { PUBLISHED_NAMES, publishedArchitecture } from './published-architectures.js';
import { readText } from './read-file.js';

/**
 * An architecture by name or from a file: a published model (see `publishedArchitecture`), or a JSON file with a `family`
 * (`dit`, where it is missing, `sit`, `pixart` or `uvit`) and the fields of its configuration. `depth`, `hiddenSize`,
 * `heads` and `patchSize` have no default.
 *
 * @throws {@link InvalidArgumentError} if it is neither, or no model of the family has such sizes
 * @throws {@link FileError}, {@link ConfigError} if the file cannot be read or is malformed
 */
export async function readArchitecture(nameOrFile: string): Promise<Architecture> {
  const published = publishedArchitecture(nameOrFile);
  if (published) return published;
  if (nameOrFile.endsWith('.json')) return readArchitectureFile(nameOrFile);
  throw new InvalidArgumentError({
    argument: '--architecture',
    value: nameOrFile,
    expected: 'a published model such as DiT-XL/2 or pixart-alpha-256, or a .json file',
    fix: `Published: ${PUBLISHED_NAMES.join(', ')}.`,
  });
}

/**
 * The architecture of a transformer in diffusers' layout.
 *
 * @param json its `config.json`
 * @param pipeline `model_index.json`, which tells PixArt-alpha's captions of 120 tokens from PixArt-Sigma's of 300
 * @returns undefined without a configuration
 * @throws {@link ConfigError} if it is of no architecture that is known here
 */
export function diffusersArchitecture(
  json: JsonObject,
  pipeline: JsonObject,
): Architecture | undefined {
  if (Object.keys(json).length === 0) return undefined;
  const { norm_type: norm, _class_name: kind } = json;
  if (norm !== 'ada_norm_single' && kind !== 'PixArtTransformer2DModel') {
    return architectureOf('dit', ditConfigOf(json));
  }
  const captionTokens = String(pipeline._class_name).startsWith('PixArtSigma') ? 300 : 120;
  return architectureOf('pixart', pixartConfigOf(json, { captionTokens }));
}

/** What a file need not say, by family: the published models. */
const DEFAULTS: { readonly [Name in FamilyName]: () => FamilyConfigs[Name] } = {
  dit: () => ditConfig('DiT-XL/2'),
  sit: () => sitConfig('SiT-XL/2'),
  pixart: () => pixartConfig('PixArt-XL-2-256x256'),
  uvit: () => uvitConfig('imagenet256_uvit_huge'),
};

/** What a file has to say. */
const REQUIRED: readonly string[] = ['depth', 'hiddenSize', 'heads', 'patchSize'];

async function readArchitectureFile(source: string): Promise<Architecture> {
  const text = await readText(source);
  const { family } = parseJson({ source, text, schema: familySchema() });
  const defaults = DEFAULTS[family]();
  const stored = parseJson({ source, text, schema: fieldsSchema(defaults) });
  const { inputSize = defaults.inputSize } = stored;
  const config = {
    ...defaults,
    name: basename(source, '.json'),
    // Latents are square unless the file says otherwise.
    ...(family === 'pixart' && { latentHeight: inputSize, latentWidth: inputSize }),
    ...stored,
  };
  return architectureOf(family, config);
}

function familySchema() {
  return z.object({ family: z.enum(['dit', 'sit', 'pixart', 'uvit']).default('dit') });
}

/** A schema of fields of the same types; their ranges are checked with the configuration. */
function fieldsSchema<C extends FamilyConfigs[FamilyName]>(defaults: C) {
  const fields = Object.entries(defaults).map(([name, value]) => {
    const type = typeOf(value);
    return [name, REQUIRED.includes(name) ? type : type.optional()];
  });
  return z.object(Object.fromEntries(fields)) as unknown as z.ZodType<Partial<C>>;
}

function typeOf(value: unknown) {
  if (typeof value === 'number') return z.number();
  if (typeof value === 'boolean') return z.boolean();
  if (typeof value === 'string') return z.string();
  return z.object({ factor: z.number(), blocks: z.array(z.number()) }).nullable();
}

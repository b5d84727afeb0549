import { basename } from 'node:path';
import {
  DIT_SIZES,
  ditConfig,
  ditConfigOf,
  PIXART_MODELS,
  pixartConfig,
  pixartConfigOf,
  SIT_SIZES,
  sitConfig,
  UVIT_MODELS,
  uvitConfig,
} from '@harmonica/backbones';
import { InvalidArgumentError, parseJson } from '@harmonica/core';
import type { JsonObject } from '@harmonica/weights';
import { z } from 'zod';
import { readText } from '../files.js';
import {
  type Architecture,
  architectureOf,
  type FamilyConfigs,
  type FamilyName,
} from './architecture.js';

type Entry = readonly [name: string, make: () => Architecture];

/**
 * The architecture of a published model: under the name that its authors gave it (`DiT-XL/2`, `PixArt-XL-2-256x256`,
 * `imagenet256_uvit_huge`), or one in lower case with the size of its images (`dit-xl-2-512`, `pixart-alpha-256`,
 * `uvit-h-2`).
 *
 * @returns undefined for any other name
 */
export function publishedArchitecture(name: string): Architecture | undefined {
  return entries().get(slugOf(name))?.();
}

/** What their authors call the published models, smallest first within a family. */
export const PUBLISHED_NAMES: readonly string[] = [
  ...DIT_SIZES,
  ...SIT_SIZES,
  ...PIXART_MODELS,
  ...UVIT_MODELS,
];

function entries(): ReadonlyMap<string, () => Architecture> {
  return new Map([...ditEntries(), ...sitEntries(), ...pixartEntries(), ...uvitEntries()]);
}

function ditEntries(): Entry[] {
  return DIT_SIZES.flatMap((size): Entry[] => {
    const at256 = () => architectureOf('dit', ditConfig(size));
    const at512 = () => architectureOf('dit', ditConfig(size, { inputSize: 64 }));
    return bySize(size, at256, at512);
  });
}

function sitEntries(): Entry[] {
  return SIT_SIZES.flatMap((size): Entry[] => {
    const at256 = () => architectureOf('sit', sitConfig(size));
    const large = { inputSize: 64, learnSigma: false };
    const at512 = () => architectureOf('sit', sitConfig(size, large));
    return bySize(size, at256, at512);
  });
}

function bySize(size: string, at256: () => Architecture, at512: () => Architecture): Entry[] {
  const slug = slugOf(size);
  return [
    [slug, at256],
    [`${slug}-256`, at256],
    [`${slug}-512`, at512],
  ];
}

function pixartEntries(): Entry[] {
  return PIXART_MODELS.flatMap((model): Entry[] => {
    const make = () => architectureOf('pixart', pixartConfig(model));
    const [, sigma, resolution = ''] =
      /^PixArt-(Sigma-)?XL-2-(\w+?)(?:x\d+|-MS)$/.exec(model) ?? [];
    const short = `pixart-${sigma ? 'sigma' : 'alpha'}-${slugOf(resolution)}`;
    return [
      [short, make],
      [slugOf(model), make],
    ];
  });
}

/** A short name for those whose own name is theirs alone. */
function uvitEntries(): Entry[] {
  const names = UVIT_MODELS.map((model) => uvitConfig(model).name);
  return UVIT_MODELS.flatMap((model): Entry[] => {
    const make = () => architectureOf('uvit', uvitConfig(model));
    const { name } = uvitConfig(model);
    const long: Entry = [slugOf(model), make];
    return names.filter((other) => other === name).length > 1
      ? [long]
      : [[slugOf(name), make], long];
  });
}

/** In lower case, with hyphens between its parts. */
function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace('u-vit', 'uvit')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '');
}

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
 * @param index `model_index.json`, which tells PixArt-alpha's captions of 120 tokens from PixArt-Sigma's of 300
 * @returns undefined without a configuration
 * @throws {@link ConfigError} if it is of no architecture that is known here
 */
export function diffusersArchitecture(
  json: JsonObject,
  index: JsonObject,
): Architecture | undefined {
  if (Object.keys(json).length === 0) return undefined;
  const { norm_type: norm, _class_name: kind } = json;
  if (norm !== 'ada_norm_single' && kind !== 'PixArtTransformer2DModel') {
    return architectureOf('dit', ditConfigOf(json));
  }
  const captionTokens = String(index._class_name).startsWith('PixArtSigma') ? 300 : 120;
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

import { basename } from 'node:path';
import { InvalidArgumentError, parseJson } from '@harmonica/core';
import type { JsonObject } from '@harmonica/weights';
import { z } from 'zod';
import { readText } from '../files.js';
import { type Architecture, architectureIn, slugOf } from './families/family.js';
import { type AnyFamily, FAMILIES, type FamilyName } from './families/table.js';

/**
 * The architecture of a published model: under the name that its authors gave it (`DiT-XL/2`, `PixArt-XL-2-256x256`,
 * `imagenet256_uvit_huge`), or one in lower case with the size of its images (`dit-xl-2-512`, `pixart-alpha-256`,
 * `uvit-h-2`).
 *
 * @returns undefined for any other name
 */
export function publishedArchitecture(name: string): Architecture | undefined {
  const slug = slugOf(name);
  for (const family of FAMILIES) {
    for (const { name: own, aliases, config } of family.published()) {
      const make = slugOf(own) === slug ? config : aliases[slug];
      if (make) return architectureIn(family, make());
    }
  }
  return undefined;
}

/** What their authors call the published models, smallest first within a family. */
export function publishedNames(): readonly string[] {
  return FAMILIES.flatMap((family) => family.published().map(({ name }) => name));
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
    argument: 'architecture',
    value: nameOrFile,
    expected: 'a published model such as DiT-XL/2 or pixart-alpha-256, or a .json file',
    fix: `Published: ${publishedNames().join(', ')}.`,
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
  for (const family of FAMILIES) {
    const config = family.fromDiffusers?.(json, index);
    if (config !== undefined) return architectureIn(family, config);
  }
  return undefined;
}

/** What a file has to say. */
const REQUIRED: readonly string[] = ['depth', 'hiddenSize', 'heads', 'patchSize'];

async function readArchitectureFile(source: string): Promise<Architecture> {
  const text = await readText(source);
  const { family: name } = parseJson({ source, text, schema: familySchema() });
  const family = FAMILIES.find((one) => one.name === name) as AnyFamily;
  const defaults = family.defaults() as Record<string, unknown>;
  const stored = parseJson({ source, text, schema: fieldsSchema(defaults) });
  const { inputSize = defaults.inputSize } = stored as { readonly inputSize?: number };
  return architectureIn(family, {
    ...defaults,
    name: basename(source, '.json'),
    // Latents are square unless the file says otherwise.
    ...(family.square?.(inputSize as number) as object),
    ...stored,
  });
}

function familySchema() {
  const names = FAMILIES.map(({ name }) => name);
  return z.object({ family: z.enum(names).default('dit' satisfies FamilyName) });
}

/** A schema of fields of the same types; their ranges are checked with the configuration. */
function fieldsSchema(defaults: Readonly<Record<string, unknown>>) {
  const fields = Object.entries(defaults).map(([name, value]) => {
    const type = typeOf(value);
    return [name, REQUIRED.includes(name) ? type : type.optional()];
  });
  return z.object(Object.fromEntries(fields) as Record<string, z.ZodType>);
}

function typeOf(value: unknown) {
  if (typeof value === 'number') return z.number();
  if (typeof value === 'boolean') return z.boolean();
  if (typeof value === 'string') return z.string();
  return z.object({ factor: z.number(), blocks: z.array(z.number()) }).nullable();
}

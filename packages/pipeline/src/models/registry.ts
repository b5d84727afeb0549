import { basename } from 'node:path';
import {
  type BackboneFamily,
  FAMILIES,
  type FamilyName,
  familyOfDiffusers,
  publishedModel,
} from '@harmonica/backbones';
import { assertArgument, parseJson } from '@harmonica/core';
import type { JsonObject } from '@harmonica/weights';
import { z } from 'zod';
import { readText } from '../files.js';
import { type Architecture, architectureOf } from './architecture.js';

/** The architecture of a published model by any of its names, as `publishedModel` of backbones knows them; else undefined. */
export function publishedArchitecture(name: string): Architecture | undefined {
  const found = publishedModel(name);
  return found && architectureOf(found.family, found.config);
}

/** What their authors call the published models, smallest first within a family. */
export const PUBLISHED_NAMES: readonly string[] = Object.values(FAMILIES).flatMap(
  ({ models }) => models,
);

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
  assertArgument(
    { architecture: nameOrFile },
    'a published model such as DiT-XL/2 or pixart-alpha-256, or a .json file',
    nameOrFile.endsWith('.json'),
    `Published: ${PUBLISHED_NAMES.join(', ')}.`,
  );
  return readArchitectureFile(nameOrFile);
}

/**
 * The architecture of a transformer in diffusers' layout.
 *
 * @param config its `config.json`
 * @param index `model_index.json`, which tells PixArt-alpha's captions of 120 tokens from PixArt-Sigma's of 300
 * @returns undefined without a configuration
 * @throws {@link ConfigError} if it is of no architecture that is known here
 */
export function diffusersArchitecture(
  config: JsonObject,
  index: JsonObject,
): Architecture | undefined {
  if (Object.keys(config).length === 0) return undefined;
  const found = familyOfDiffusers({ config, index });
  return architectureOf(found.family, found.config);
}

/** What a file has to say. */
const REQUIRED: readonly string[] = ['depth', 'hiddenSize', 'heads', 'patchSize'];

async function readArchitectureFile(source: string): Promise<Architecture> {
  const text = await readText(source);
  const { family: name } = parseJson({ source, text, schema: familySchema() });
  const family = FAMILIES[name] as unknown as BackboneFamily<Record<string, unknown>>;
  const schema = fieldsSchema(family.custom({}));
  const fields = parseJson({ source, text, schema });
  const config = family.custom({ name: basename(source, '.json'), ...fields });
  return architectureOf(name, config as never);
}

function familySchema() {
  const names = Object.keys(FAMILIES) as FamilyName[];
  return z.object({ family: z.enum(names).default('dit') });
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
